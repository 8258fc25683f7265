import { conditionOf, flagImageOf, type FlagKind } from '../../isa/flags.ts';
import {
  children,
  constant,
  type Field,
  type FlagName,
  type RegisterRef,
  type StateName,
  type Value,
  type Width,
} from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { I32, I64, type FunctionBody, type NumericOperation, type ValueType } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { FLAG_IMAGE } from './functions.ts';

/** The kind of flag record that is known to be current. */
export interface KnownFlags {
  readonly kind: FlagKind;
  readonly width: Width;
}

const STATE_WORD: Readonly<Record<StateName, number>> = {
  privilege: L.CPL,
  cr0: L.CONTROL,
  cr4: L.CONTROL + 4 * 8,
  'code-limit': L.SEGMENTS + L.SEGMENT_SIZE + L.SEGMENT_LIMIT,
  'gdtr-base': L.GDTR,
  'gdtr-limit': L.GDTR + 8,
  'idtr-base': L.IDTR,
  'idtr-limit': L.IDTR + 8,
};

/** A part of the lazy flag record. */
export type FlagPart = 'kind' | 'a' | 'b' | 'result';

const typeOf = (value: Value): ValueType => (value.width === 64 ? I64 : I32);
const lowMask = (width: Width): number => (width === 32 ? -1 : 2 ** width - 1);

/** Lowers values to WebAssembly: an i32 (i64 for 64 bits) on the stack, zero-extended. What an operand is, is up to the engine. */
export abstract class ValueLowering {
  protected readonly code: FunctionBody;
  /** Reading a part of a register leaves the rest of it above. */
  protected readonly registersAreWide: boolean = false;
  protected locals = new Map<Value, number>();
  protected known: KnownFlags | undefined;
  private uses = new Map<Value, number>();

  constructor(code: FunctionBody) {
    this.code = code;
  }

  protected abstract field(field: Field, width: Width): void;
  protected abstract readRegister(register: RegisterRef, width: Width): void;
  protected abstract addressRegister(role: 'base' | 'index'): void;
  protected abstract flag(flag: FlagName): void;
  /** A condition when the kind of record is only known at run time. */
  protected abstract unknownCondition(condition: number): void;
  protected abstract readFlagPart(part: FlagPart, bits: 32 | 64): void;
  /** Calls the function of a pair of conditions, or of the image. */
  protected abstract callFlagFunction(number: number): void;

  /** Forgets what was kept of the last instruction, and counts the uses of the next one's values. */
  protected beginInstruction(roots: readonly Value[]): void {
    this.locals = new Map();
    this.uses = new Map();
    const visit = (value: Value): void => {
      const uses = (this.uses.get(value) ?? 0) + 1;
      this.uses.set(value, uses);
      if (uses === 1) children(value).forEach(visit);
    };
    roots.forEach(visit);
  }

  /** True for a value that the instruction uses more than once. */
  protected isShared(value: Value): boolean {
    return (this.uses.get(value) ?? 0) > 1;
  }

  /** Pushes a value, zero-extended. */
  protected emit(value: Value): void {
    const local = this.locals.get(value);
    if (local !== undefined) return this.code.get(local);
    this.node(value);
    if (this.leavesGarbage(value)) {
      this.code.i32(lowMask(value.width));
      this.code.numeric('and');
    }
    if (this.isShared(value) && value.constant === undefined) {
      const kept = this.code.temporary(typeOf(value));
      this.code.tee(kept);
      this.locals.set(value, kept);
    }
  }

  /** Computes a value now and keeps it, so that later changes of registers and flags do not matter. */
  protected pin(value: Value): void {
    if (value.constant !== undefined || this.locals.has(value)) return;
    this.emit(value);
    if (this.locals.has(value)) return this.code.drop();
    const local = this.code.temporary(typeOf(value));
    this.code.set(local);
    this.locals.set(value, local);
  }

  /** As {@link emit}, but bits above the width may be garbage. */
  protected emitRaw(value: Value): void {
    if (this.locals.has(value) || this.isShared(value)) return this.emit(value);
    this.node(value);
  }

  /** True where the code for a value may leave garbage above its width. */
  private leavesGarbage({ node, width }: Value): boolean {
    if (width === 1 || width >= 32) return false;
    if (node.kind === 'register') return this.registersAreWide;
    if (node.kind === 'truncate' || node.kind === 'sign-extend') return true;
    if (node.kind !== 'binary') return false;
    if (['add', 'sub', 'mul', 'shl', 'sar', 'divs', 'rems'].includes(node.operator)) return true;
    if (node.operator === 'and') return this.leavesGarbage(node.a) && this.leavesGarbage(node.b);
    return (
      (node.operator === 'or' || node.operator === 'xor') && (this.leavesGarbage(node.a) || this.leavesGarbage(node.b))
    );
  }

  private emitSigned(value: Value): void {
    this.emitRaw(value);
    if (value.width === 8 || value.width === 16) this.code.signExtend32(value.width);
  }

  private node(value: Value): void {
    const { node, width } = value;
    const { code } = this;
    switch (node.kind) {
      case 'constant':
        return width === 64 ? code.i64(node.value) : code.i32(Number(node.value));
      case 'field':
        return this.field(node.field, width);
      case 'register':
        return this.readRegister(node.register, width);
      case 'address-register':
        return this.addressRegister(node.role);
      case 'flag-slot':
        return this.readFlagPart(node.slot, width === 64 ? 64 : 32);
      case 'state':
        return this.word(STATE_WORD[node.name], 32);
      case 'selector':
        this.emit(node.index);
        code.i32(L.SEGMENT_SIZE);
        code.numeric('mul');
        return code.load(16, L.SEGMENTS + L.SEGMENT_SELECTOR);
      case 'binary':
        return this.binary(value, node.operator, node.a, node.b);
      case 'compare':
        return this.compare(node.operator, node.a, node.b);
      case 'unary':
        return this.unary(node.operator, node.a);
      case 'zero-extend':
        this.emit(node.a);
        if (width === 64) code.extendUnsigned();
        return;
      case 'sign-extend':
        this.emitSigned(node.a);
        if (width === 64) code.extendSigned();
        return;
      case 'truncate':
        this.emitRaw(node.a);
        if (node.a.width === 64) code.wrap();
        if (width === 1) this.maskBit();
        return;
      case 'select':
        this.emit(node.a);
        this.emit(node.b);
        this.emit(node.condition);
        return code.select();
      case 'condition':
        if (this.known === undefined) return this.unknownCondition(node.code);
        return this.emit(conditionOf(node.code, this.known.kind, this.known.width));
      case 'flag':
        return this.flag(node.flag);
      case 'eflags':
        if (this.known === undefined) this.callFlagFunction(FLAG_IMAGE);
        else this.emit(flagImageOf(this.known.kind, this.known.width));
        this.word(L.EFLAGS, 32);
        return code.numeric('or');
      case 'load':
      case 'passes':
        throw internalError(`a ${node.kind} value is used before it was made`);
    }
  }

  private binary(value: Value, operator: NumericOperation, a: Value, b: Value): void {
    const { width } = value;
    const { code } = this;
    // V8 folds eqz into a following branch, but not xor 1.
    if (width === 1 && operator === 'xor' && b.constant === 1n) {
      this.emit(a);
      return code.numeric('eqz');
    }
    if (operator === 'rotl' && width < 32) {
      const count = b.and(width - 1).zeroExtend(32);
      const wide = a.zeroExtend(32);
      return this.emit(
        wide
          .shl(count)
          .or(wide.shr(constant(32, width).sub(count)))
          .truncate(width),
      );
    }
    switch (operator) {
      case 'sar':
        this.emitSigned(a);
        this.emit(b);
        break;
      case 'divs':
      case 'rems':
        this.emitSigned(a);
        this.emitSigned(b);
        break;
      case 'shl':
        this.emitRaw(a);
        this.emit(b);
        break;
      case 'shr':
      case 'divu':
      case 'remu':
      case 'rotl':
        this.emit(a);
        this.emit(b);
        break;
      default:
        this.emitRaw(a);
        this.emitRaw(b);
    }
    code.numeric(operator, typeOf(value));
  }

  private compare(operator: 'eq' | 'ne' | 'ltu' | 'leu' | 'lts' | 'les', a: Value, b: Value): void {
    const { code } = this;
    if ((operator === 'eq' || operator === 'ne') && b.constant === 0n) {
      this.emit(a);
      code.numeric('eqz', typeOf(a));
      if (operator === 'ne') code.numeric('eqz');
      return;
    }
    if (operator === 'lts' || operator === 'les') {
      this.emitSigned(a);
      this.emitSigned(b);
    } else {
      this.emit(a);
      this.emit(b);
    }
    code.numeric(operator, typeOf(a));
  }

  private unary(operator: 'popcnt' | 'ctz' | 'clz', a: Value): void {
    const { code } = this;
    this.emit(a);
    if (a.width < 32 && operator === 'ctz') {
      code.i32(1 << a.width);
      code.numeric('or');
    }
    code.numeric(operator, typeOf(a));
    if (a.width < 32 && operator === 'clz') {
      code.i32(32 - a.width);
      code.numeric('sub');
    }
  }

  /** Loads a word of the machine state. */
  protected word(at: number, bits: 32 | 64): void {
    this.code.i32(0);
    this.code.load(bits, at);
  }

  /** Stores what `push` leaves in a word of the machine state. */
  protected setWord(at: number, push: () => void): void {
    this.code.i32(0);
    push();
    this.code.store(32, at);
  }

  protected maskBit(): void {
    this.code.i32(1);
    this.code.numeric('and');
  }
}
