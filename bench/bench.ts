/**
 * `npm run bench`: speeds of this machine as one JSON object, beside GDB and QEMU in the same run where they are installed.
 * Absolute figures depend on the host; compare ratios.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { bootDebuggee } from '../src/debugger/boot-request.ts';
import type { Debuggee } from '../src/debugger/debuggee.ts';
import { nodeScheduler } from '../src/platform/node/scheduler.ts';
import { DapClient } from '../test/support/dap-client.ts';
import { buildGuest, GUESTS } from './guests.ts';
import { gdbWithQemu, qemuSeconds } from './peers.ts';

const SAMPLE = 'samples/paravirt/paravirt.elf';
const LAUNCHES = 10;
const STEPS = 2_000_000;
const DAP_STEPS = 500;
const PEER_STEPS = 2000;

const round = (value: number): number => Number(value.toPrecision(4));
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const ratio = (ours: number, theirs: number | undefined): number | undefined =>
  theirs === undefined ? undefined : round(ours / theirs);

/** A machine at the entry of a kernel. */
function boot(elf: string): Debuggee {
  const load = { memory: 128 * 1024 * 1024, cmdline: '', bootLoaderName: 'Start of Day', modules: [], poison: true };
  const kernel = { name: elf, bytes: readFileSync(elf) };
  return bootDebuggee({ kernel, entry: 'auto', load, registers: {}, symbols: [] }, nodeScheduler);
}

/** Millions of instructions per second of the interpreter on each guest, and QEMU's wall-clock time for the same work. */
function interpreterSpeed(): Record<string, unknown> {
  const entries = GUESTS.map((guest) => {
    const elf = buildGuest(guest);
    const { machine } = boot(elf);
    const start = performance.now();
    const stop = machine.run({ maxInstructions: Infinity });
    const seconds = (performance.now() - start) / 1000;
    const plain = qemuSeconds(elf, []);
    const counted = qemuSeconds(elf, ['-icount', 'shift=0,sleep=off']);
    return [
      guest.name,
      {
        stop: stop.reason,
        instructions: machine.instructions,
        mips: round(machine.instructions / seconds / 1e6),
        seconds: round(seconds),
        qemuSeconds: plain === undefined ? undefined : round(plain),
        qemuInstructionCountSeconds: counted === undefined ? undefined : round(counted),
      },
    ] as const;
  });
  return Object.fromEntries(entries);
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

async function main(): Promise<void> {
  const interpreter = interpreterSpeed();
  const target = targetSteps();
  const adapter = await dap();
  const peer = await gdbWithQemu(SAMPLE, PEER_STEPS);
  const report = {
    interpreter,
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

void main();
