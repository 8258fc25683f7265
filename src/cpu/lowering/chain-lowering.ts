import { REGISTER, SEGMENT_REGISTER, type PassesAhead } from '../../isa/instruction.ts';
import type { SegmentRef, Value } from '../../isa/value.ts';
import { I32 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { FUNCTION, TYPE } from './functions.ts';
import { InstructionLowering } from './instruction-lowering.ts';

const U = L.MICRO_OP;
/** Parameters of a handler: the address of its micro-op, and the instructions left to run. */
export const MICRO_OP = 0;
export const BUDGET = 1;

/** Leaves for the driver, or goes on with another micro-op: functions are `(micro-op, budget)`, chained by tail calls. */
export abstract class ChainLowering extends InstructionLowering {
  /** Leaves for the driver, for a reason of {@link L.EXIT}. */
  protected leave(reason: number, microOp: () => void): void {
    this.returnToDriver(() => this.code.i32(reason), microOp);
  }
  protected returnToDriver(reason: () => void, microOp: () => void): void {
    const { code } = this;
    this.setWord(L.EXIT_MICRO_OP, microOp);
    this.setWord(L.EXIT_REASON, reason);
    this.setWord(L.BUDGET, () => code.get(BUDGET));
    code.return();
  }
  /** Pays for the whole target block, then goes there; a block is paid for by whoever jumps to it. */
  protected go(target: number): void {
    const { code } = this;
    const left = code.temporary(I32);
    code.get(BUDGET);
    code.get(target);
    code.load(8, U.left);
    code.numeric('sub');
    code.tee(left);
    code.i32(0);
    code.numeric('lts');
    code.if();
    code.get(target);
    code.get(BUDGET);
    code.returnCall(FUNCTION.outOfBudget);
    code.end();
    this.enterHandler(
      () => code.get(target),
      () => code.get(left),
    );
  }

  /** Runs a micro-op's handler, with a budget that is paid. */
  protected enterHandler(microOp: () => void, budget: () => void): void {
    const { code } = this;
    microOp();
    budget();
    microOp();
    code.load(16, U.handler);
    code.returnCallIndirect(TYPE.handler);
  }

  protected override makePasses({ made, width, source, commits }: PassesAhead): void {
    const { code } = this;
    const count = code.temporary(I32);
    const register = (index: number): void => this.readRegister({ index, high: false }, 32);
    this.pushFlat(SEGMENT_REGISTER.es, L.SEGMENT_WRITES);
    if (source !== undefined) {
      this.pushFlat(source, L.SEGMENT_READS);
      code.numeric('and');
    }
    code.if(I32);
    register(REGISTER.cx);
    register(source === undefined ? REGISTER.ax : REGISTER.si);
    register(REGISTER.di);
    code.get(BUDGET);
    code.i32(Math.log2(width / 8));
    code.call(source === undefined ? FUNCTION.fillPasses : FUNCTION.copyPasses);
    code.else();
    code.i32(0);
    code.end();
    code.set(count);
    code.get(BUDGET);
    code.get(count);
    code.numeric('sub');
    code.set(BUDGET);
    this.locals.set(made, count);
    for (const commit of commits) this.writeRegister(commit.register, commit.value);
  }
  /** Pushes whether every access of a kind through a segment is allowed, and its offsets are linear addresses. */
  private pushFlat(segment: SegmentRef, accesses: number): void {
    const { code } = this;
    if (this.isFlat(segment)) return code.i32(1);
    this.segmentWord(segment, L.SEGMENT_BASE);
    this.segmentWord(segment, L.SEGMENT_LOWEST);
    code.numeric('or');
    this.segmentWord(segment, accesses + 8);
    code.i32(L.MOST_STARTS);
    code.numeric('xor');
    code.numeric('or');
    code.numeric('eqz');
  }

  /** Goes to the micro-op that the jump cache has for an offset in CS; leaves where there is none. */
  protected jumpThroughCache(to: Value, go: (target: number) => void): void {
    const { code } = this;
    const target = code.temporary(I32);
    const ip = code.temporary(I32);
    const entry = code.temporary(I32);
    this.emit(to);
    code.tee(ip);
    code.i32(L.JUMP_CACHE_ENTRIES - 1);
    code.numeric('and');
    code.i32(3);
    code.numeric('shl');
    code.tee(entry);
    code.load(32, L.JUMP_CACHE);
    code.get(ip);
    code.numeric('eq');
    code.if();
    code.get(entry);
    code.load(32, L.JUMP_CACHE + 4);
    code.set(target);
    go(target);
    code.end();
    this.setWord(L.IP, () => code.get(ip));
    this.leave(L.EXIT.indirect, () => code.i32(0));
  }
}
