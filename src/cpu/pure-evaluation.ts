import { evaluateBinary, evaluateComparison, evaluateUnary, signedAt, truncateTo, type Value } from '../isa/value.ts';
import { internalError } from '../util/errors.ts';

/** Where the evaluation finds the lazy flag record. */
export interface FlagSlots {
  flagSlot(slot: 'a' | 'b' | 'result'): bigint;
}

/**
 * The value of an expression. `leaf` supplies what is no plain computation (registers, memory, flags); flag slots come from `slots`.
 * `memo` keeps shared subexpressions.
 */
export function evaluatePure(
  value: Value,
  slots: FlagSlots,
  leaf: (value: Value) => bigint = unexpected,
  memo?: Map<Value, bigint>,
): bigint {
  const evaluate = (inner: Value): bigint => {
    if (inner.node.kind === 'constant') return inner.node.value;
    const known = memo?.get(inner);
    if (known !== undefined) return known;
    const result = compute(inner);
    memo?.set(inner, result);
    return result;
  };
  const compute = (inner: Value): bigint => {
    const node = inner.node;
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'binary':
        return evaluateBinary(node.operator, inner.width, evaluate(node.a), evaluate(node.b));
      case 'compare':
        return evaluateComparison(node.operator, node.a.width, evaluate(node.a), evaluate(node.b)) ? 1n : 0n;
      case 'unary':
        return evaluateUnary(node.operator, inner.width, evaluate(node.a));
      case 'zero-extend':
        return evaluate(node.a);
      case 'sign-extend':
        return truncateTo(inner.width, signedAt(node.a.width, evaluate(node.a)));
      case 'truncate':
        return truncateTo(inner.width, evaluate(node.a));
      case 'select':
        return evaluate(node.condition) !== 0n ? evaluate(node.a) : evaluate(node.b);
      case 'flag-slot':
        return truncateTo(inner.width, slots.flagSlot(node.slot));
      default:
        return leaf(inner);
    }
  };
  return evaluate(value);
}

function unexpected(value: Value): bigint {
  throw internalError(`a ${value.node.kind} where only flags are expected`);
}
