import { memoryDifferences, SEGMENTS, stateDifferences, type Difference, type MachineState } from './machine-state.ts';
import { isRepeated, OwnMachine, STATUS_FLAGS, undefinedAfter, type Checkpoint } from './own-machine.ts';
import { QemuMachine, type QemuOptions } from './qemu-machine.ts';

export interface ComparisonOptions {
  readonly file: string;
  readonly append?: string;
  /** Bytes, whole MiB. */
  readonly memory?: number;
  /** Instructions after which to stop. */
  readonly until: number;
  /** Instructions between two checkpoints. */
  readonly every: number;
  /** Called at every checkpoint. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
}

/** The first instruction after which the machines differ, or the entry. */
export interface FirstDifference {
  /** Instructions since the entry, with the one that differs; 0 at the entry. */
  readonly count: number;
  /** The instruction, as each machine disassembles it. */
  readonly instruction: { readonly ours: string; readonly qemu: string } | undefined;
  readonly differences: readonly Difference[];
}

export interface ComparisonResult {
  readonly checkpoints: readonly Checkpoint[];
  readonly difference: FirstDifference | undefined;
}

const DEFAULT_MEMORY = 0x2000000;
/** Distance that is compared instruction by instruction. */
const LOCKSTEP = 4000;
const SHOWN = 16;

interface Failure {
  readonly count: number;
  readonly differences: readonly Difference[];
}

/** Runs a Multiboot kernel on this machine and in QEMU and compares them at equal instruction counts, up to the first difference. */
export async function compareWithQemu(options: ComparisonOptions): Promise<ComparisonResult> {
  const { file, append = '', memory = DEFAULT_MEMORY } = options;
  const own = new OwnMachine(file, append, memory);
  const start = { file, append, memory, entry: own.ip };
  const passed: Checkpoint[] = [];
  let qemu = await QemuMachine.start(start);
  try {
    const [state, bytes] = [await qemu.state(), await qemu.memory()];
    const atEntry = entryDifferences(own, state, bytes);
    if (atEntry.length > 0)
      return { checkpoints: [], difference: { count: 0, instruction: undefined, differences: atEntry } };
    own.adopt(state, bytes);
    let { until, every } = options;
    for (;;) {
      let equal = own.save();
      let failure: Failure | undefined;
      for (let ended = false; !ended && own.count < until;) {
        equal = own.save();
        const next = own.advance(Math.min(until, own.count + every), until);
        ended = next.ended || next.checkpoint === undefined;
        if (next.checkpoint === undefined) break;
        failure = await failureAt(own, qemu, next.checkpoint);
        if (failure !== undefined) break;
        passed.push(next.checkpoint);
        options.onCheckpoint?.(next.checkpoint);
      }
      if (failure === undefined) return { checkpoints: passed, difference: undefined };
      // Once more from the last equal place, in smaller steps.
      const { count, differences } = failure;
      own.restore(equal);
      qemu.close();
      qemu = await replay(start, passed);
      if (count - own.count <= LOCKSTEP) {
        const first = await lockstep(own, qemu, count, differences);
        return { checkpoints: passed, difference: first ?? { count, instruction: undefined, differences } };
      }
      until = count;
      every = Math.max(LOCKSTEP / 2, Math.ceil((count - own.count) / 16));
    }
  } finally {
    qemu.close();
  }
}

/** A fresh QEMU at the last of some checkpoints. */
async function replay(start: QemuOptions, checkpoints: readonly Checkpoint[]): Promise<QemuMachine> {
  const qemu = await QemuMachine.start(start);
  for (const { address, arrivals } of checkpoints)
    if (!(await qemu.runTo(address, arrivals))) throw new Error('QEMU did not come the same way again');
  return qemu;
}

/** What Multiboot promises: EAX, EBX as both loaders place it, flat segments, CR0, and the image in memory. */
function entryDifferences(own: OwnMachine, qemu: MachineState, memory: Uint8Array): Difference[] {
  const promised = ['eax', 'eip', 'cr0', ...SEGMENTS.flatMap((name) => [`${name}.base`, `${name}.limit`])];
  const differences = stateDifferences(own.state(), qemu, STATUS_FLAGS).filter(({ what }) => promised.includes(what));
  for (const { name, address, bytes } of own.debuggee.inspection.plan.regions) {
    if (!name.startsWith('kernel')) continue;
    const at = bytes.findIndex((byte, n) => byte !== memory[address + n]);
    if (at >= 0) differences.push({ what: `${name}+${at}`, ours: bytes[at] ?? 0, qemu: memory[address + at] ?? 0 });
  }
  return differences;
}

async function failureAt(own: OwnMachine, qemu: QemuMachine, checkpoint: Checkpoint): Promise<Failure | undefined> {
  const { count, address, arrivals, undefinedFlags } = checkpoint;
  if (!(await qemu.runTo(address, arrivals)))
    return { count, differences: [{ what: 'eip', ours: address, qemu: (await qemu.state())['eip'] ?? 0 }] };
  const [state, theirs] = [own.state(), await qemu.state()];
  const gdt = { base: theirs['gdtr.base'] ?? 0, limit: theirs['gdtr.limit'] ?? 0 };
  const differences = [
    ...stateDifferences(state, theirs, undefinedFlags),
    ...memoryDifferences(own.memory, await qemu.memory(), gdt, SHOWN),
  ];
  return differences.length === 0 ? undefined : { count, differences };
}

/** Steps both up to `end`; looks at general registers and at the bytes of memory that differ at `end`. */
async function lockstep(
  own: OwnMachine,
  qemu: QemuMachine,
  end: number,
  atEnd: readonly Difference[],
): Promise<FirstDifference | undefined> {
  const watched = atEnd.flatMap(({ what }) => (what.startsWith('memory ') ? [Number(what.slice(7))] : [])).slice(0, 4);
  let undefinedFlags: number = STATUS_FLAGS;
  while (own.count < end) {
    const instruction = own.instruction();
    const place = own.ip;
    const text = instruction.toString();
    const shown = { ours: `0x${place.toString(16).padStart(8, '0')}:  ${text}`, qemu: await qemu.disassembly(place) };
    undefinedFlags = undefinedAfter(instruction, undefinedFlags);
    const repeated = isRepeated(instruction);
    instruction.free();
    do own.run(1);
    while (repeated && own.ip === place && own.count < end);
    let theirs: MachineState;
    do {
      await qemu.step();
      theirs = await qemu.generalState();
    } while (repeated && theirs['eip'] === place);
    const differences = stateDifferences(own.state(), theirs, undefinedFlags);
    for (const address of watched) {
      const [mine = 0, byte] = [own.memory[address], await qemu.byte(address)];
      if (mine !== byte)
        differences.push({ what: `memory 0x${address.toString(16).padStart(8, '0')}`, ours: mine, qemu: byte });
    }
    if (differences.length > 0) return { count: own.count, instruction: shown, differences };
  }
  return undefined;
}
