import type { Value } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { I32, type FunctionBody } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { BUDGET, MICRO_OP } from '../lowering/chain-lowering.ts';
import { TYPE } from '../lowering/functions.ts';
import type { KnownFlags } from '../lowering/value-lowering.ts';
import { LocalRegisterLowering } from './local-registers.ts';
import type { RegionElement, RegionLoop } from './region-shape.ts';
import type { Region, RegionBlock } from './region.ts';

const U = L.MICRO_OP;

/**
 * Lowers a region to one function with a handler's parameters. It is entered at the first micro-op of some of its blocks, whose
 * instructions are paid for as for the interpreter; that is taken back, and from then on blocks are paid for as `RegionBlock.prepaid` says.
 *
 * Jumps are branches out of nested blocks and back to the loops around them; a loop that is entered at several places starts by branching
 * to the one in `entry`, as the function itself does. There is one way out: to the interpreter's handler of some micro-op. That is also
 * where everything goes that is not done here: an access that the TLB does not have, an instruction for the evaluator, a budget that
 * does not last for what is paid at once.
 */
export class RegionLowering extends LocalRegisterLowering {
  private readonly region: Region;
  private readonly numbers: ReadonlyMap<number, number>;
  private readonly entry: number;
  /** Table index of the handler that the region leaves to, or why it leaves for the driver. */
  private readonly handler: number;
  /** Labels of the ways out: to the driver, to the handler in {@link handler}. */
  private leaveLabel = 0;
  private goLabel = 0;
  private dispatchLabel = 0;
  /** Labels in front of the elements, and at the start of the loops that are open. */
  private readonly elementLabels = new Map<RegionElement, number>();
  private readonly loopLabels = new Map<RegionLoop, number>();
  /** The element of its loop's body (of the function, for a block in no loop) that each block is in, for each loop around it. */
  private readonly homes = new Map<RegionLoop | undefined, ReadonlyMap<number, RegionElement>>();
  /** Flags that every jump to a block so far leaves; undefined where they differ. */
  private readonly arriving = new Map<number, KnownFlags | undefined>();
  private readonly entryNumbers: ReadonlyMap<number, number>;
  /** What is being lowered: the block and its number, and its instruction's place in it. */
  private number = 0;
  private current: RegionBlock;
  private place = 0;

  constructor(code: FunctionBody, region: Region) {
    super(code, region.flatSegments, region.keepsCarry);
    const [first] = region.blocks;
    if (first === undefined) throw internalError('a region without blocks');
    this.region = region;
    this.current = first;
    this.numbers = new Map(region.blocks.map(({ block }, number) => [block.ip, number]));
    this.entryNumbers = new Map(region.shape.entries.map((number, n) => [number, n]));
    this.entry = code.local(I32);
    this.handler = code.local(I32);
  }

  /** Writes the whole function. */
  lower(): void {
    const { code } = this;
    this.leaveLabel = code.block();
    this.goLabel = code.block();
    this.dispatchLabel = code.loop();
    this.elements(this.region.shape.elements, undefined, () => this.dispatch());
    code.end();
    code.unreachable();
    code.end();
    this.spillState();
    this.payAndGo();
    code.end();
    this.spillState();
    this.returnToDriver(
      () => code.get(this.handler),
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

  /** Leaves to a handler, which runs the rest of the micro-op's block: that is paid for as by {@link go}. */
  private payAndGo(): void {
    const { code } = this;
    code.get(BUDGET);
    code.get(MICRO_OP);
    code.load(8, U.left);
    code.numeric('sub');
    code.i32(0);
    code.numeric('lts');
    code.if();
    this.returnToDriver(
      () => code.i32(L.EXIT.budget),
      () => code.get(MICRO_OP),
    );
    code.end();
    code.get(MICRO_OP);
    code.get(BUDGET);
    code.get(MICRO_OP);
    code.load(8, U.left);
    code.numeric('sub');
    code.get(this.handler);
    code.returnCallIndirect(TYPE.handler);
  }

  // Nesting

  /** The body of a loop, or of the function; `start` goes to one of the elements, or on to the first. */
  private elements(elements: readonly RegionElement[], loop: RegionLoop | undefined, start: () => void): void {
    const { code } = this;
    this.homes.set(loop, homesIn(elements));
    for (const element of [...elements].reverse()) this.elementLabels.set(element, code.block());
    start();
    for (const element of elements) {
      code.end();
      if (typeof element === 'number') this.block(element);
      else this.loop(element);
    }
  }

  private loop(loop: RegionLoop): void {
    const { code } = this;
    this.loopLabels.set(loop, code.loop());
    this.elements(loop.body, loop, () => {
      if (this.hasSeveralEntries(loop))
        this.branchByEntry(this.entriesOf(loop), (number) => this.labelOf(number, loop));
    });
    code.end();
    this.loopLabels.delete(loop);
  }

  /** Pays for the block in `entry`, and goes there. */
  private dispatch(): void {
    const { code } = this;
    const { entries } = this.region.shape;
    const labels = new Map([...entries].reverse().map((number) => [number, code.block()]));
    this.branchByEntry(entries, (number) => labels.get(number) ?? 0);
    for (const number of entries) {
      code.end();
      this.pay(number, 0);
      code.branch(this.labelOf(number, undefined));
    }
  }

  private entriesOf({ members }: RegionLoop): number[] {
    return this.region.shape.entries.filter((number) => members.has(number));
  }
  private hasSeveralEntries(loop: RegionLoop): boolean {
    return this.entriesOf(loop).length > 1;
  }
  /** Branches by `entry` to the label of one of some entries that follow each other. */
  private branchByEntry(entries: readonly number[], label: (number: number) => number): void {
    const { code } = this;
    const [first = 0] = entries;
    const offset = this.entryNumbers.get(first) ?? 0;
    if (entries.length > 1) {
      code.get(this.entry);
      if (offset > 0) {
        code.i32(offset);
        code.numeric('sub');
      }
      code.branchByTable(entries.map(label));
    } else code.branch(label(first));
  }

  /** Label in front of the element of a loop's body that a block is in. */
  private labelOf(number: number, loop: RegionLoop | undefined): number {
    const element = this.homes.get(loop)?.get(number);
    const label = element === undefined ? undefined : this.elementLabels.get(element);
    if (label === undefined) throw internalError(`no way to block ${number} of a region`);
    return label;
  }

  /** Branches to the start of a block. */
  private branchTo(number: number): void {
    const { code } = this;
    const { loops } = this.region.shape;
    const target = loops.get(number);
    // The loops that are open are those around the current block, outermost first.
    const open = [...this.loopLabels.keys()];
    const back = target?.header === number && this.loopLabels.has(target);
    const common = back ? target : open.reverse().find(({ members }) => members.has(number));
    const element = back ? target : this.homes.get(common)?.get(number);
    if (typeof element === 'object' && this.hasSeveralEntries(element)) {
      const entry = this.entryNumbers.get(number);
      if (entry === undefined) throw internalError(`block ${number} of a region is no entry`);
      code.i32(entry);
      code.set(this.entry);
    }
    code.branch(back ? (this.loopLabels.get(target) ?? 0) : this.labelOf(number, common));
  }

  // Blocks

  private block(number: number): void {
    const current = this.region.blocks[number];
    if (current === undefined) throw internalError(`no block ${number} in a region`);
    this.number = number;
    this.current = current;
    this.known = this.entryNumbers.has(number) ? undefined : this.arriving.get(number);
    for (const [place, instruction] of current.recorded.entries()) {
      this.place = place;
      if (current.block.instructions[place]?.form.slow !== false) return this.bail();
      this.instruction(instruction, true);
    }
    // The code after a jump is never reached; whatever else ends a block goes on.
    if (!this.ends()) this.goTo(this.next());
  }

  /** Pays for a block when `paid` instructions are paid for already, or leaves before it. */
  private pay(number: number, paid: number): void {
    const { code } = this;
    const { block, prepaid } = this.region.blocks[number] ?? this.current;
    if (prepaid <= paid) return this.addToBudget(paid - prepaid);
    code.get(BUDGET);
    code.i32(prepaid - paid);
    code.numeric('sub');
    code.tee(BUDGET);
    code.i32(0);
    code.numeric('lts');
    code.if();
    this.addToBudget(prepaid);
    this.goToInterpreter(block.microOp, this.entryNumbers.has(number));
    code.end();
  }
  private addToBudget(count: number): void {
    const { code } = this;
    if (count === 0) return;
    code.get(BUDGET);
    code.i32(count);
    code.numeric('add');
    code.set(BUDGET);
  }
  /** Instructions that are paid for when `done` of the block's have run. */
  private paidAfter(done: number): number {
    return this.current.prepaid - done;
  }

  private get microOp(): number {
    return this.current.block.microOp + this.place * U.size;
  }
  private ends(): boolean {
    return this.current.block.instructions[this.place]?.form.description.endsBlock === true;
  }
  private next(): number {
    const instruction = this.current.block.instructions[this.place];
    return instruction === undefined ? 0 : (instruction.ip + instruction.length) >>> 0;
  }

  /** Leaves the instruction, with the state as before it, to the interpreter, which bails if it must. */
  protected bail(): void {
    this.addToBudget(this.paidAfter(this.place));
    this.goToInterpreter(this.microOp, this.place === 0 && this.entryNumbers.has(this.number));
  }
  protected fallThrough(): void {
    if (this.ends()) this.goTo(this.next());
  }

  protected jump(to: Value): void {
    if (to.constant !== undefined) return this.goTo(Number(to.constant));
    const { code } = this;
    this.addToBudget(this.paidAfter(this.place + 1));
    this.jumpThroughCache(to, (target) => {
      code.get(target);
      code.load(16, U.handler);
      code.tee(this.handler);
      code.i32(this.region.handler);
      code.numeric('eq');
      code.if();
      this.entryOf(target);
      code.branch(this.dispatchLabel);
      code.end();
      code.get(target);
      code.set(MICRO_OP);
      code.branch(this.goLabel);
    });
  }
  protected override leave(reason: number): void {
    this.code.i32(reason);
    this.code.set(this.handler);
    this.code.branch(this.leaveLabel);
  }

  /** Goes to an offset in CS: inside the region, or along the link of the block that the interpreter would use. */
  private goTo(ip: number): void {
    const { code } = this;
    const paid = this.paidAfter(this.place + 1);
    const number = this.numbers.get(ip);
    if (number !== undefined) {
      this.noteFlags(number);
      this.pay(number, paid);
      return this.branchTo(number);
    }
    this.addToBudget(paid);
    this.word(this.linkTo(ip), 32);
    code.tee(MICRO_OP);
    code.load(16, U.handler);
    code.set(this.handler);
    code.branch(this.goLabel);
  }

  private noteFlags(target: number): void {
    const { arriving, known } = this;
    const before = arriving.has(target) ? arriving.get(target) : known;
    arriving.set(target, before?.kind === known?.kind && before?.width === known?.width ? known : undefined);
  }

  /** Address of the link that the current instruction's block has to an offset in CS. */
  private linkTo(ip: number): number {
    if (!this.ends()) return this.microOp + U.size + U.link0;
    const instruction = this.current.block.instructions[this.place];
    const target = instruction?.form.kinds.includes('t') === true ? instruction.target >>> 0 : undefined;
    return this.microOp + (ip === target ? U.link0 : U.link1);
  }

  /** Leaves a micro-op to the interpreter; `replaced`: its handler is this region, so that the driver must see to it. */
  private goToInterpreter(microOp: number, replaced: boolean): void {
    const { code } = this;
    code.i32(microOp);
    code.tee(MICRO_OP);
    if (replaced) {
      code.drop();
      return this.leave(L.EXIT.apart);
    }
    code.load(16, U.handler);
    code.set(this.handler);
    code.branch(this.goLabel);
  }

  /** Keeps the number of the entry that a micro-op starts. */
  private entryOf(microOp: number): void {
    this.code.get(microOp);
    this.code.load(8, U.entry);
    this.code.set(this.entry);
  }
}

/** The element that each block is in. */
function homesIn(elements: readonly RegionElement[]): Map<number, RegionElement> {
  const places = new Map<number, RegionElement>();
  for (const element of elements) {
    if (typeof element === 'number') places.set(element, element);
    else for (const number of element.members) places.set(number, element);
  }
  return places;
}
