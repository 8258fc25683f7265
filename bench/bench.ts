/**
 * `npm run bench`: speeds of this machine as one JSON object, beside v86, GDB and QEMU in the same run where they are
 * installed.
 * Absolute figures depend on the host; compare ratios.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { bootDebuggee } from '../src/debugger/boot-request.ts';
import type { EngineName } from '../src/cpu/cpu.ts';
import type { Debuggee } from '../src/debugger/debuggee.ts';
import { loadHandlers } from '../src/platform/node/handlers.ts';
import { nodeScheduler } from '../src/platform/node/scheduler.ts';
import { DapClient } from '../test/support/dap-client.ts';
import { buildGuest, GUESTS, type BenchGuest } from './guests.ts';
import { gdbWithQemu, qemuSeconds } from './peers.ts';
import { v86Speed } from './v86.ts';

const SAMPLE = 'samples/multiboot/multiboot.elf';
const LAUNCHES = 10;
const STEPS = 2_000_000;
const COLD_START_INSTRUCTIONS = 3_000_000;
const DAP_STEPS = 500;
const PEER_STEPS = 2000;
const REFERENCE_INSTRUCTIONS = 300_000;

const round = (value: number): number => Number(value.toPrecision(4));
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const optional = (value: number | undefined): number | undefined => (value === undefined ? undefined : round(value));
const ratio = (ours: number, theirs: number | undefined): number | undefined =>
  theirs === undefined ? undefined : round(ours / theirs);

/** Says on standard error what is being measured. */
function progress(what: string): void {
  process.stderr.write(`${what}\n`);
}

/** A machine at the entry of a kernel, with the handlers that `npm run build` made. */
function boot(elf: string, engine?: EngineName, scheduler = nodeScheduler): Debuggee {
  const load = { memory: 128 * 1024 * 1024, cmdline: '', bootLoaderName: 'Start of Day', modules: [], poison: true };
  const kernel = { name: elf, bytes: readFileSync(elf) };
  const request = { kernel, entry: 'auto', load, registers: {}, symbols: [], engine, handlers: loadHandlers };
  return bootDebuggee(request, scheduler);
}

/** A machine of its own runs a guest to its end, or so many instructions. */
function ownSpeed(elf: string, engine: EngineName, maxInstructions = Infinity): { seconds: number; mips: number } {
  const { machine } = boot(elf, engine);
  const start = performance.now();
  const stop = machine.run({ maxInstructions });
  const seconds = (performance.now() - start) / 1000;
  if (maxInstructions === Infinity && stop.reason !== 'debug-exit') throw new Error(`${elf}: ${stop.reason}`);
  return { seconds, mips: machine.instructions / seconds / 1e6 };
}

/**
 * Millions of instructions per second on each guest, beside v86 with and without its translator, and QEMU. Interpreters run a guest that is
 * longer, translators one that is longer still; QEMU's start is subtracted, by a guest of one turn.
 */
async function guestSpeed(guest: BenchGuest): Promise<object> {
  const short = buildGuest(guest);
  // An interpreter is itself code that the engine below it has to warm to.
  const warm = buildGuest({ ...guest, name: `${guest.name}-warm`, iterations: guest.warm });
  const long = buildGuest({ ...guest, name: `${guest.name}-long`, iterations: guest.longer });
  const tiny = buildGuest({ ...guest, name: `${guest.name}-tiny`, iterations: 1 });
  progress(`${guest.name}: this machine`);
  const interpreter = ownSpeed(warm, 'interpreter');
  const translator = ownSpeed(long, 'translator');
  const reference = ownSpeed(short, 'reference', REFERENCE_INSTRUCTIONS);
  progress(`${guest.name}: v86`);
  const v86Interpreter = await v86Speed(warm, false);
  const v86Translator = await v86Speed(long, true);
  progress(`${guest.name}: QEMU`);
  const qemuMips = (...options: string[]): number | undefined => {
    const whole = qemuSeconds(long, options);
    const start = qemuSeconds(tiny, options);
    if (whole === undefined || start === undefined) return undefined;
    return (translator.mips * translator.seconds) / (whole - start);
  };
  const qemu = qemuMips();
  const qemuCounted = qemuMips('-icount', 'shift=0,sleep=off');
  return {
    interpreter: round(interpreter.mips),
    translator: round(translator.mips),
    reference: round(reference.mips),
    v86Interpreter: optional(v86Interpreter?.mips),
    v86Translator: optional(v86Translator?.mips),
    qemu: optional(qemu),
    qemuInstructionCount: optional(qemuCounted),
    interpreterToV86: ratio(interpreter.mips, v86Interpreter?.mips),
    translatorToV86: ratio(translator.mips, v86Translator?.mips),
    translatorToQemuInstructionCount: ratio(translator.mips, qemuCounted),
  };
}

/** Microseconds of an instruction that was never run before, in a process that has run others. */
function coldInstruction(): { microseconds: number } {
  const elf = buildGuest({ name: 'cold', sources: ['cold.S'], iterations: 4000 });
  ownSpeed(elf, 'translator');
  return { microseconds: round(1 / ownSpeed(elf, 'translator').mips) };
}

/** Raw single steps through the debugger's Target. */
function targetSteps(): { stepsPerSecond: number } {
  const { target } = boot(buildGuest({ name: 'alu-steps', sources: ['alu.S'], iterations: 1_000_000 }));
  const run = (count: number): void => {
    for (let n = 0; n < count; n++) target.step();
  };
  run(200_000);
  const start = performance.now();
  run(STEPS);
  return { stepsPerSecond: round(STEPS / ((performance.now() - start) / 1000)) };
}

/** Spawn of the adapter to the stop at entry, and instruction steps with what VS Code asks after each. */
async function dap(): Promise<{ launchMs: number; stepMs: number; inspectedStepMs: number }> {
  const launches: number[] = [];
  for (let n = 0; n < LAUNCHES; n++) {
    const start = performance.now();
    const client = DapClient.spawn();
    await client.boot({ program: resolve(SAMPLE) });
    launches.push(performance.now() - start);
    await client.request('disconnect', undefined);
    await client.close();
  }
  const client = DapClient.spawn();
  await client.boot({ program: resolve(SAMPLE) });
  const step = async (): Promise<void> => {
    await client.request('stepIn', { threadId: 1, granularity: 'instruction' });
    await client.event('stopped');
  };
  const bare: number[] = [];
  const inspected: number[] = [];
  for (let n = 0; n < DAP_STEPS; n++) {
    const start = performance.now();
    await step();
    bare.push(performance.now() - start);
    await inspect(client);
    inspected.push(performance.now() - start);
  }
  await client.request('disconnect', undefined);
  await client.close();
  return { launchMs: round(median(launches)), stepMs: round(median(bare)), inspectedStepMs: round(median(inspected)) };
}

async function inspect(client: DapClient): Promise<void> {
  await client.request('threads', undefined);
  const { stackFrames } = await client.request('stackTrace', { threadId: 1, startFrame: 0, levels: 20 });
  const { scopes } = await client.request('scopes', { frameId: stackFrames[0]?.id ?? 0 });
  for (const { variablesReference, expensive } of scopes) {
    if (!expensive) await client.request('variables', { variablesReference });
  }
}

/** The longest time between two looks at the host's input, in milliseconds of this host, when a kernel starts in a process that is cold. */
async function longestSlice(): Promise<{ milliseconds: number }> {
  progress('longest slice');
  let longest = 0;
  const timed = (callback: () => void): void => {
    const start = performance.now();
    callback();
    longest = Math.max(longest, performance.now() - start);
  };
  const { control } = boot(SAMPLE, undefined, {
    ...nodeScheduler,
    soon: (callback) => nodeScheduler.soon(() => timed(callback)),
  });
  control.maxInstructions = COLD_START_INSTRUCTIONS;
  const stopped = new Promise((resolve) => void control.onStop.on(resolve));
  control.continue();
  await stopped;
  return { milliseconds: round(longest) };
}

async function main(): Promise<void> {
  const slice = await longestSlice();
  const guests: Record<string, object> = {};
  for (const guest of GUESTS) guests[guest.name] = await guestSpeed(guest);
  const target = targetSteps();
  const adapter = await dap();
  const peer = await gdbWithQemu(SAMPLE, PEER_STEPS);
  const report = {
    millionsOfInstructionsPerSecond: guests,
    cold: coldInstruction(),
    longestSlice: slice,
    target: { ...target, ratioToGdbWithQemu: ratio(target.stepsPerSecond, peer?.stepsPerSecond) },
    adapter: {
      ...adapter,
      launchRatioToGdbWithQemu: peer === undefined ? undefined : round(peer.launchMs / adapter.launchMs),
    },
    gdbWithQemu:
      peer === undefined
        ? 'not installed'
        : { launchMs: round(peer.launchMs), stepsPerSecond: round(peer.stepsPerSecond) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

// v86 keeps timers of its own.
void main().then(() => process.exit());
