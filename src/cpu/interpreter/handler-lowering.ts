import type { Instruction } from '../../isa/instruction.ts';
import type { Field, RegisterRef, SegmentRef, Value, Width } from '../../isa/value.ts';
import { I32, type FunctionBody } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { BUDGET, MICRO_OP } from '../lowering/chain-lowering.ts';
import { FUNCTION, TYPE } from '../lowering/functions.ts';
import { RunFlagLowering } from './run-flags.ts';

const U = L.MICRO_OP;

const FIELD_OFFSET: Readonly<Record<Field, number>> = {
  immediate: U.immediate,
  displacement: U.displacement,
  scale: U.scale,
  target: U.link0,
  next: U.next,
  self: U.next,
};

/**
 * Lowers instructions to interpreter handlers, whose operands are fields of the micro-op. Calls would make V8 keep everything on the stack:
 * what is rare is left by tail calls, and a handler that misses a TLB leaves before it has changed anything for one that completes misses.
 */
export class HandlerLowering extends RunFlagLowering {
  protected override readonly missesElsewhere: boolean;
  /** Offset of the micro-op that is being lowered from the handler's own: a second instruction fused into it is one further. */
  private offset = 0;

  constructor(code: FunctionBody, completesMisses: boolean) {
    super(code);
    this.missesElsewhere = !completesMisses;
  }

  /** A run of instructions, one micro-op each, that all but the last fall through. */
  instructions(run: readonly Instruction<Width>[]): void {
    this.known = undefined;
    this.replaceFlags();
    run.forEach((instruction, n) => {
      this.offset = n * U.size;
      this.instruction(instruction, n === run.length - 1);
    });
    this.code.unreachable();
  }

  /** A handler that only leaves. */
  leaveOnly(reason: number): void {
    this.leave(reason, () => this.code.get(MICRO_OP));
    this.code.unreachable();
  }

  /** A handler that goes to its first link: the end of a block that no jump ends, and a block that was replaced. */
  followLink(): void {
    const target = this.code.temporary(I32);
    this.code.get(MICRO_OP);
    this.code.load(32, U.link0);
    this.code.set(target);
    this.go(target);
    this.code.unreachable();
  }

  // Operands

  protected field(field: Field, width: Width): void {
    this.code.get(MICRO_OP);
    this.code.load(width, this.offset + FIELD_OFFSET[field]);
  }
  protected readRegister(register: RegisterRef, width: Width): void {
    if (register.index === undefined) {
      this.registerSlot(register.slot);
      return this.code.load(width, L.REGISTERS);
    }
    this.code.i32(0);
    this.code.load(width, registerAt(register.index, register.high));
  }
  protected addressRegister(role: 'base' | 'index'): void {
    this.code.get(MICRO_OP);
    this.code.load(8, this.offset + (role === 'base' ? U.base : U.index));
    this.code.load(32, L.REGISTERS);
  }
  protected writeRegister(register: RegisterRef, value: Value): void {
    const { code } = this;
    if (register.index === undefined) {
      this.registerSlot(register.slot);
      this.emitRaw(value);
      return code.store(value.width, L.REGISTERS);
    }
    code.i32(0);
    this.emitRaw(value);
    code.store(value.width, registerAt(register.index, register.high));
  }
  private registerSlot(slot: 0 | 1): void {
    this.code.get(MICRO_OP);
    this.code.load(8, this.offset + (slot === 0 ? U.register0 : U.register1));
  }
  protected isFlat(): boolean {
    return false;
  }
  protected segmentWord(segment: SegmentRef, word: number): void {
    const { code } = this;
    if (segment === 'field') {
      code.get(MICRO_OP);
      code.load(8, this.offset + U.segment);
      return code.load(32, L.SEGMENTS + word);
    }
    code.i32(0);
    code.load(32, L.SEGMENTS + segment * L.SEGMENT_SIZE + word);
  }

  // Leaving and chaining

  private pushHere(): void {
    this.code.get(MICRO_OP);
    if (this.offset === 0) return;
    this.code.i32(this.offset);
    this.code.numeric('add');
  }
  protected bail(): void {
    this.storeFlags();
    this.pushHere();
    this.code.get(BUDGET);
    this.code.returnCall(FUNCTION.bail);
  }
  protected override leaveOnMiss(): void {
    this.storeFlags();
    this.pushHere();
    this.code.get(BUDGET);
    this.code.get(MICRO_OP);
    this.code.load(16, this.offset + U.onMiss);
    this.code.returnCallIndirect(TYPE.handler);
  }
  protected hostOnMissedWrite(): void {
    this.leaveOnMiss();
  }
  protected jump(to: Value): void {
    const { code } = this;
    const target = code.temporary(I32);
    if (to.node.kind === 'field') {
      if (to.node.field === 'self') this.pushHere();
      else {
        code.get(MICRO_OP);
        code.load(32, this.offset + (to.node.field === 'target' ? U.link0 : U.link1));
      }
      code.set(target);
      return this.go(target);
    }
    this.jumpThroughCache(to, (target) => this.go(target));
  }

  protected fallThrough(last: boolean): void {
    if (!last) return;
    const { code } = this;
    this.enterHandler(
      () => {
        code.get(MICRO_OP);
        code.i32(this.offset + U.size);
        code.numeric('add');
      },
      () => code.get(BUDGET),
    );
  }
}

const registerAt = (index: number, high: boolean): number => L.REGISTERS + index * 8 + (high ? 1 : 0);
