import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { sample } from '../support/samples.ts';

/** Set 1 codes of A and Q, pressed and released. */
const A = [0x1e, 0x9e];
const Q = [0x10, 0x90];

describe('DAP input to a running machine', () => {
  let session: DebugSession;
  beforeEach(() => (session = new DebugSession()));
  afterEach(() => session.client.close());

  /** Waits until the guest has printed a text. */
  const printed = async (text: string): Promise<void> => {
    while (!session.client.outputOf('stdout').includes(text)) await session.client.event('output');
  };

  it('presses keys while the guest waits for them in HLT', async () => {
    const { client } = session;
    await client.start({ program: sample('keyboard'), stopOnEntry: false });
    await printed('interrupts on\n');
    await client.request('startOfDay/keyboard', { scanCodes: A });
    await printed('a');
    await client.request('startOfDay/keyboard', { scanCodes: Q });
    assert.deepEqual(await client.event('exited'), { exitCode: 1 });
    assert.match(client.outputOf('stdout'), /\na\nkeyboard: q after [\d,]+ ticks\n$/);
  });

  it('tells the screen view while the guest runs, and pauses a guest in HLT', async () => {
    const { client } = session;
    await client.start({ program: sample('keyboard'), stopOnEntry: false });
    await printed('interrupts on\n');
    assert.deepEqual((await client.event('startOfDay/changed'))['views'], ['screen']);
    await client.request('pause', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'pause');
    // The loop is STI; HLT; JMP.
    assert.match(await session.place(), /^(kernel_main|timer_interrupt|timer_tick)/);
    await client.request('continue', { threadId: 1 });
    await client.request('startOfDay/keyboard', { scanCodes: Q });
    await client.event('terminated');
  });

  it('stops inside an interrupt handler with the interrupted code as its caller', async () => {
    const { client } = session;
    await client.boot({ program: sample('keyboard') });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'timer_tick' }] });
    await session.resume('continue');
    const names = (await session.frames()).map(({ name }) => name);
    assert.equal(names[0], 'timer_tick');
    assert.match(names[1] ?? '', /^timer_interrupt\+0x/);
    assert.match(names[2] ?? '', /^kernel_main\+0x[0-9a-f]+ \(interrupted\)$/);
    // Out of the handler in C, then out of the stub through IRET.
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    await session.resume('stepOut');
    assert.match(await session.place(), /^timer_interrupt\+0x/);
    await session.resume('stepOut');
    assert.match(await session.place(), /^kernel_main\+0x/);
  });

  it('brings serial input to the guest', async () => {
    const { client } = session;
    await client.boot({ program: sample('multiboot') });
    await client.request('startOfDay/serialInput', { text: 'x' });
    // 3f8+5 is the line status, 3f8 the receiver: poll until bit 0, read, stop in a loop.
    const code = [0xba, 0xfd, 0x03, 0, 0, 0xec, 0xa8, 1, 0x74, 0xfb, 0xba, 0xf8, 0x03, 0, 0, 0xec, 0xeb, 0xfe];
    await client.request('writeMemory', { memoryReference: '0x1000d0', data: Buffer.from(code).toString('base64') });
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x1000e0' }] });
    await session.resume('continue');
    assert.equal(await session.evaluate("$al == 'x'"), '1');
  });
});
