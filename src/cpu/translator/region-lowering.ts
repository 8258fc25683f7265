import type { Value } from '../../isa/value.ts';
import { I32, type FunctionBody } from '../../wasm/function-body.ts';
import type { DecodedInstruction } from '../decoder.ts';
import { recordWithOperands } from '../instruction-form.ts';
import * as L from '../layout.ts';
import { BUDGET, MICRO_OP } from '../lowering/chain-lowering.ts';
import { LocalRegisterLowering } from './local-registers.ts';
import type { Region, RegionBlock } from './region.ts';

const U = L.MICRO_OP;

/**
 * Lowers a region to one function with a handler's parameters. It is entered at the first micro-op of any of its blocks, whose
 * instructions are paid for as for the interpreter; that is taken back, and from then on every block pays at its own head.
 *
 * Forward jumps are branches out of nested blocks; a jump back goes round a loop that starts by branching to the block in `entry`.
 * Every way out stores the locals: to the driver, or to a micro-op by a tail call.
 */
export class RegionLowering extends LocalRegisterLowering {
  private readonly region: Region;
  private readonly numbers: ReadonlyMap<number, number>;
  private readonly entry: number;
  /** Why the region leaves for the driver. */
  private readonly reason: number;
  /** Labels of the ways out: to the driver, to the micro-op in {@link MICRO_OP}. */
  private leaveLabel = 0;
  private goLabel = 0;
  private dispatchLabel = 0;
  /** What is being lowered: the block, its instruction, that one's micro-op, and the instructions of the block from it on. */
  private number = 0;
  private instructionNow: DecodedInstruction | undefined;
  private microOp = 0;
  private left = 0;
  private selfLabel: number | undefined;

  constructor(code: FunctionBody, region: Region) {
    super(code, region.flatSegments);
    this.region = region;
    this.numbers = new Map(region.blocks.map(({ block }, number) => [block.ip, number]));
    this.entry = code.local(I32);
    this.reason = code.local(I32);
  }

  /** Writes the whole function. */
  lower(): void {
    const { code } = this;
    const { blocks } = this.region;
    this.leaveLabel = code.block();
    this.goLabel = code.block();
    this.dispatchLabel = code.loop();
    for (let n = 0; n < blocks.length; n++) code.block();
    code.get(this.entry);
    code.branchTable(blocks.length);
    blocks.forEach((block, number) => {
      code.end();
      this.number = number;
      this.block(block);
    });
    code.end();
    code.unreachable();
    code.end();
    this.spillState();
    this.go(MICRO_OP);
    code.end();
    this.spillState();
    this.returnToDriver(
      () => code.get(this.reason),
      () => code.get(MICRO_OP),
    );
    code.unreachable();
    code.prepend(() => this.enter());
  }

  private enter(): void {
    const { code, neededFlat } = this;
    if (neededFlat !== 0) {
      this.word(L.FLAT_SEGMENTS, 32);
      code.i32(neededFlat);
      code.numeric('and');
      code.i32(neededFlat);
      code.numeric('ne');
      code.if();
      this.returnToDriver(
        () => code.i32(L.EXIT.unfit),
        () => code.get(MICRO_OP),
      );
      code.end();
    }
    this.loadState();
    this.entryOf(MICRO_OP);
    code.get(BUDGET);
    code.get(MICRO_OP);
    code.load(8, U.left);
    code.numeric('add');
    code.set(BUDGET);
  }

  private block({ block, count }: RegionBlock): void {
    const { code } = this;
    this.pay(count, block.microOp);
    this.known = undefined;
    for (const [place, instruction] of block.instructions.slice(0, count).entries()) {
      this.microOp = block.microOp + place * U.size;
      this.left = count - place;
      this.instructionNow = instruction;
      if (instruction.form.slow) return this.bail();
      const repeats = instruction.form.repeat !== undefined;
      if (repeats) {
        this.selfLabel = code.loop();
        this.known = undefined;
      }
      this.instruction(recordWithOperands(instruction.form, instruction, block.codeLimit), true);
      if (repeats) {
        code.unreachable();
        code.end();
        this.selfLabel = undefined;
      }
    }
    // The code after a jump is never reached; whatever else ends a block goes on.
    if (!this.ends()) this.goTo(this.next());
  }

  /** Takes instructions off the budget, or leaves before them at a micro-op. */
  private pay(count: number, microOp: number): void {
    const { code } = this;
    code.get(BUDGET);
    code.i32(count);
    code.numeric('lts');
    code.if();
    this.goToMicroOp(() => code.i32(microOp));
    code.end();
    code.get(BUDGET);
    code.i32(count);
    code.numeric('sub');
    code.set(BUDGET);
  }

  private ends(): boolean {
    return this.instructionNow?.form.description.endsBlock === true;
  }
  private next(): number {
    const { instructionNow } = this;
    return instructionNow === undefined ? 0 : (instructionNow.ip + instructionNow.length) >>> 0;
  }

  protected bail(): void {
    this.leave(L.EXIT.bail, () => this.code.i32(this.microOp));
  }

  /** The driver gives back what is left of the interpreter's block, which may be more than this one's. */
  protected override leave(reason: number, microOp: () => void): void {
    const { code } = this;
    const { block } = this.region.blocks[this.number] ?? {};
    if (reason === L.EXIT.bail && block !== undefined) {
      const difference = this.left - (block.instructions.length - (this.microOp - block.microOp) / U.size);
      if (difference !== 0) {
        code.get(BUDGET);
        code.i32(difference);
        code.numeric('add');
        code.set(BUDGET);
      }
    }
    microOp();
    code.set(MICRO_OP);
    code.i32(reason);
    code.set(this.reason);
    code.branch(this.leaveLabel);
  }

  protected fallThrough(): void {
    if (this.ends()) this.goTo(this.next());
  }

  protected jump(to: Value): void {
    if (to.constant !== undefined) return this.goTo(Number(to.constant));
    const { code } = this;
    this.jumpThroughCache(to, (target) => {
      code.get(target);
      code.load(32, U.handler);
      code.i32(this.region.handler);
      code.numeric('eq');
      code.if();
      this.entryOf(target);
      code.branch(this.dispatchLabel);
      code.end();
      this.goToMicroOp(() => code.get(target));
    });
  }

  /** Goes to an offset in CS: inside the region, or along the link of the block that the interpreter would use. */
  private goTo(ip: number): void {
    const { code, instructionNow } = this;
    if (this.selfLabel !== undefined && ip === instructionNow?.ip) {
      this.pay(1, this.microOp);
      return code.branch(this.selfLabel);
    }
    const number = this.numbers.get(ip);
    if (number === undefined) return this.goToMicroOp(() => this.word(this.linkTo(ip), 32));
    if (number > this.number) return code.branch(this.dispatchLabel + this.region.blocks.length - number);
    code.i32(number);
    code.set(this.entry);
    code.branch(this.dispatchLabel);
  }

  /** Address of the link that the current instruction's block has to an offset in CS. */
  private linkTo(ip: number): number {
    if (!this.ends()) return this.microOp + U.size + U.link0;
    const { instructionNow } = this;
    const target = instructionNow?.form.kinds.includes('t') === true ? instructionNow.target >>> 0 : undefined;
    return this.microOp + (ip === target ? U.link0 : U.link1);
  }

  private goToMicroOp(push: () => void): void {
    push();
    this.code.set(MICRO_OP);
    this.code.branch(this.goLabel);
  }

  /** Keeps the number of the block that starts at a micro-op. */
  private entryOf(microOp: number): void {
    this.code.get(microOp);
    this.code.load(8, U.entry);
    this.code.set(this.entry);
  }
}
