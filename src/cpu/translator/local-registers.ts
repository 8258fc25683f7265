import { FLAG_KINDS, flagKindCode, flagOf, type FlagKind } from '../../isa/flags.ts';
import type { RegisterRef, SegmentRef, Value, Width } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { I32, type FunctionBody } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { ChainLowering } from '../lowering/chain-lowering.ts';
import { hostInOneLineBesideCode } from '../lowering/code-page-write.ts';
import { UNUSED_FIRST, type FlagsCommit } from '../lowering/instruction-lowering.ts';
import type { FlagPart } from '../lowering/value-lowering.ts';

const FLAG_PARTS: readonly FlagPart[] = ['kind', 'a', 'b', 'result'];
/** Kinds whose carry is a bit at the top of their width. */
const WIDE_CARRY: ReadonlySet<FlagKind> = new Set(['adc', 'sbb']);
const CARRY_WIDTHS = [8, 16, 32] as const;
/** Condition code B. */
export const CARRY_CONDITION = 2;
const GENERAL_REGISTERS = 8;
type OperandRegister = RegisterRef & { readonly high?: boolean };

/** Operands that are known, with the general registers and the lazy flag record in locals between loading and spilling. */
export abstract class LocalRegisterLowering extends ChainLowering {
  protected override readonly registersAreWide = true;
  private readonly registers: readonly number[];
  private readonly flags: Readonly<Record<FlagPart, number>>;
  /** The carry flag, where some instruction reads it without the kind of record being known (INC and DEC keep it). */
  private readonly carry: number | undefined;
  /** Registers that the function reads or writes, and those it writes. */
  private readonly used = new Set<number>();
  private readonly written = new Set<number>();
  /** Segments taken to be flat, and those whose being so the function relies on: bit sets. */
  private readonly flatSegments: number;
  protected neededFlat = 0;

  constructor(code: FunctionBody, flatSegments: number, keepsCarry: boolean) {
    super(code);
    this.flatSegments = flatSegments;
    this.registers = Array.from({ length: GENERAL_REGISTERS }, () => code.local(I32));
    this.flags = { kind: code.local(I32), a: code.local(I32), b: code.local(I32), result: code.local(I32) };
    this.carry = keepsCarry ? code.local(I32) : undefined;
  }

  /** Loads what the function uses; to be put before its code when all of that is known. */
  protected loadState(): void {
    for (const index of this.used) {
      this.word(registerAt(index), 32);
      this.code.set(this.localOf(index));
    }
    for (const part of FLAG_PARTS) {
      super.readFlagPart(part, 32);
      this.code.set(this.flags[part]);
    }
    if (this.carry === undefined) return;
    this.carryOfAnyKind();
    this.code.set(this.carry);
  }
  /** Stores what the function may have changed. */
  protected spillState(): void {
    for (const index of this.written) this.setWord(registerAt(index), () => this.code.get(this.localOf(index)));
    this.spillFlags();
  }
  private spillFlags(): void {
    for (const part of FLAG_PARTS) super.writeFlagPart(part, () => this.code.get(this.flags[part]), 32);
  }

  protected readRegister({ index, high = false }: OperandRegister, width: Width): void {
    if (index === undefined) throw internalError('a micro-op operand in a region');
    this.used.add(index);
    this.code.get(this.localOf(index));
    if (!high || width === 32) return;
    this.code.i32(8);
    this.code.numeric('shr');
  }

  protected writeRegister({ index, high = false }: OperandRegister, value: Value): void {
    if (index === undefined) throw internalError('a micro-op operand in a region');
    const { code } = this;
    const local = this.localOf(index);
    this.used.add(index);
    this.written.add(index);
    if (value.width === 32) {
      this.emit(value);
      return code.set(local);
    }
    const shift = high ? 8 : 0;
    this.emit(value);
    if (shift > 0) {
      code.i32(shift);
      code.numeric('shl');
    }
    code.get(local);
    code.i32(~((2 ** value.width - 1) << shift));
    code.numeric('and');
    code.numeric('or');
    code.set(local);
  }

  protected isFlat(segment: SegmentRef): boolean {
    if (segment === 'field' || (this.flatSegments & (1 << segment)) === 0) return false;
    this.neededFlat |= 1 << segment;
    return true;
  }
  protected segmentWord(segment: SegmentRef, word: number): void {
    if (segment === 'field') throw internalError('a micro-op segment in a region');
    this.word(L.SEGMENTS + segment * L.SEGMENT_SIZE + word, 32);
  }
  protected override readonly missesElsewhere = true;
  protected override leaveOnMiss(): void {
    this.bail();
  }
  /** Data beside code, in a line of its page that holds none, is written here. */
  protected override hostOnMissedWrite(host: number, linear: number, entry: number, bytes: number): void {
    hostInOneLineBesideCode(this.code, host, linear, entry, bytes, () => this.leaveOnMiss());
  }
  protected field(): never {
    throw internalError('a micro-op field in a region');
  }
  protected addressRegister(): never {
    throw internalError('a micro-op register in a region');
  }

  protected override readFlagPart(part: FlagPart, bits: 32 | 64): void {
    if (bits === 64) throw internalError('a 64-bit flag record in a region');
    this.code.get(this.flags[part]);
  }
  protected override writeFlagPart(part: FlagPart, push: () => void, bits: 32 | 64): void {
    if (bits === 64) throw internalError('a 64-bit flag record in a region');
    push();
    this.code.set(this.flags[part]);
  }
  /**
   * What a kind of record does not use is 0, and the first operand of a sum or difference whose result is kept follows from that and the
   * second: so nothing has to stay in a register for the flags alone. V8 works out what is not read where it leaves the region.
   */
  protected override setFlags({ flags, a, b, result }: FlagsCommit): void {
    const { code } = this;
    const zero = (part: FlagPart): void => this.writeFlagPart(part, () => code.i32(0), 32);
    if (UNUSED_FIRST.has(flags)) zero('a');
    else if (b !== undefined && this.isShared(result) && result.width === 32 && (flags === 'add' || flags === 'sub')) {
      this.setFlagPart('a', flags === 'add' ? result.sub(b) : result.add(b));
    } else this.setFlagPart('a', a);
    if (b === undefined) zero('b');
    else this.setFlagPart('b', b);
    this.setFlagPart('result', result);
  }
  protected override setFlagKind(kind: FlagKind, width: Width): void {
    super.setFlagKind(kind, width);
    if (this.carry === undefined) return;
    this.emit(flagOf('c', kind, width));
    this.code.set(this.carry);
  }
  protected override unknownCondition(condition: number): void {
    if (condition >> 1 !== CARRY_CONDITION >> 1 || this.carry === undefined) return super.unknownCondition(condition);
    this.code.get(this.carry);
    if ((condition & 1) !== 0) this.code.numeric('eqz');
  }
  /** Pushes the carry flag of the record, whatever its kind. Without a branch, so that V8 works it out where it is read, if anywhere. */
  private carryOfAnyKind(): void {
    const { code } = this;
    code.i32(0);
    for (const kind of FLAG_KINDS) {
      for (const width of WIDE_CARRY.has(kind) ? CARRY_WIDTHS : ([32] as const)) {
        const carry = flagOf('c', kind, width);
        if (carry.constant === 0n) continue;
        this.emit(carry);
        this.readFlagPart('kind', 32);
        // Where the width does not matter, it is left out of the kind's code.
        code.i32(WIDE_CARRY.has(kind) ? -1 : ~3);
        code.numeric('and');
        code.i32(flagKindCode(kind, WIDE_CARRY.has(kind) ? width : 8));
        code.numeric('eq');
        code.numeric('and');
        code.numeric('or');
      }
    }
  }
  protected override callFlagFunction(number: number): void {
    this.spillFlags();
    super.callFlagFunction(number);
  }

  private localOf(index: number): number {
    const local = this.registers[index];
    if (local === undefined) throw internalError(`no register ${index}`);
    return local;
  }
}

const registerAt = (index: number): number => L.REGISTERS + index * 8;
