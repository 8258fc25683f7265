import type { Instruction } from '../isa/instruction.ts';
import type { Value, Width } from '../isa/value.ts';
import * as L from './layout.ts';

/** Reads an operand from the registers. */
export type OperandReader = (view: DataView) => number;

/** An instruction that is nothing but one system operation on {@link plainOperand plain operands}: needs no evaluation. */
export interface PlainCall {
  readonly name: string;
  readonly operands: readonly OperandReader[];
  /** The operation sets the instruction pointer itself. */
  readonly transfers: boolean;
}

/** The instruction as a plain call; undefined where it takes the evaluator. */
export function plainCall({ checks, commits, hostCalls, control }: Instruction<Width>): PlainCall | undefined {
  if (checks.length > 0 || commits.length > 0) return undefined;
  const transfers = control.kind === 'transfer';
  const calls = transfers ? [...hostCalls, control.operation] : hostCalls;
  const [call] = calls;
  if (call === undefined || calls.length !== 1 || (!transfers && control.kind !== 'next')) return undefined;
  const operands = call.operands.map(plainOperand).filter((reader) => reader !== undefined);
  return operands.length === call.operands.length ? { name: call.name, operands, transfers } : undefined;
}

/** The reader of a constant, a register, or an address made of them; undefined for any other value. */
export function plainOperand({ node, width }: Value): OperandReader | undefined {
  switch (node.kind) {
    case 'constant': {
      const value = Number(node.value);
      return () => value;
    }
    case 'register': {
      if (node.register.index === undefined || node.register.high) return undefined;
      const at = L.REGISTERS + node.register.index * 8;
      if (width === 8) return (view) => view.getUint8(at);
      if (width === 16) return (view) => view.getUint16(at, true);
      return width === 32 ? (view) => view.getUint32(at, true) : undefined;
    }
    case 'zero-extend':
      return plainOperand(node.a);
    case 'truncate': {
      const inner = node.a.width <= 32 ? plainOperand(node.a) : undefined;
      if (inner === undefined || width > 32) return undefined;
      const mask = width === 32 ? 0xffffffff : 2 ** width - 1;
      return (view) => (inner(view) & mask) >>> 0;
    }
    case 'binary': {
      if (width !== 32 || (node.operator !== 'add' && node.operator !== 'shl')) return undefined;
      const [a, b] = [plainOperand(node.a), plainOperand(node.b)];
      if (a === undefined || b === undefined) return undefined;
      return node.operator === 'add' ? (view) => (a(view) + b(view)) >>> 0 : (view) => (a(view) << b(view)) >>> 0;
    }
    default:
      return undefined;
  }
}
