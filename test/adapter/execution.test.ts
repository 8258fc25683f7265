import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { reference, sample, symbolsOf } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

const PROGRAM = sample('multiboot');
/** JMP to itself. */
const TIGHT_LOOP = Buffer.from([0xeb, 0xfe]).toString('base64');

describe('DAP execution', () => {
  let session: DebugSession;
  let symbols: Map<string, number>;

  beforeEach(async function () {
    requireTool(this, 'nm');
    symbols = symbolsOf(PROGRAM);
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM });
  });
  afterEach(() => session.client.close());

  const addressOf = (name: string): number => {
    const address = symbols.get(name);
    if (address === undefined) throw new Error(`no symbol ${name}`);
    return address;
  };
  const breakOn = async (...names: string[]) =>
    (await session.client.request('setFunctionBreakpoints', { breakpoints: names.map((name) => ({ name })) }))
      .breakpoints;
  const number = async (expression: string): Promise<number> =>
    Number((await session.evaluate(`(u32)(${expression})`)).split(' ')[0]);

  it('steps one instruction whatever the granularity (supportsSteppingGranularity)', async () => {
    for (const [granularity, expected] of [
      ['instruction', '_start+0x5'],
      ['statement', '_start+0x7'],
      ['line', '_start+0xc'],
    ] as const) {
      await session.client.request('stepIn', { threadId: 1, granularity });
      const stopped = await session.client.event('stopped');
      assert.equal(stopped['reason'], 'step');
      assert.equal(await session.place(), expected);
    }
  });

  it('stops at a function breakpoint (supportsFunctionBreakpoints)', async () => {
    const [breakpoint] = await breakOn('kernel_main');
    assert.equal(breakpoint?.verified, true);
    assert.equal(breakpoint.instructionReference, reference(addressOf('kernel_main')));
    const stopped = await session.resume('continue');
    assert.equal(stopped['reason'], 'function breakpoint');
    assert.deepEqual(stopped['hitBreakpointIds'], [breakpoint.id]);
    const frames = await session.frames();
    assert.deepEqual(
      frames.map(({ name }) => name),
      ['kernel_main', '_start+0x2c'],
    );
  });

  it('takes offsets and addresses for functions, and says what it does not find', async () => {
    const [offset, address, missing, mapped] = await breakOn('kernel_main+5', '0x100783', 'kernel_mian', '0xfffff000');
    assert.equal(offset?.instructionReference, reference(addressOf('kernel_main') + 5));
    assert.equal(address?.instructionReference, '0x00100783');
    assert.equal(missing?.verified, false);
    assert.match(missing.message ?? '', /There is no symbol or register "kernel_mian"\. Did you mean "kernel_main"\?/);
    assert.equal(mapped?.verified, false);
    assert.match(mapped.message ?? '', /Nothing is mapped at 0xfffff000 now/);
  });

  it('stops at an instruction breakpoint (supportsInstructionBreakpoints)', async () => {
    const { breakpoints } = await session.client.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: reference(addressOf('console_init')), offset: 2 }],
    });
    assert.equal(breakpoints[0]?.verified, true);
    const stopped = await session.resume('continue');
    assert.equal(stopped['reason'], 'instruction breakpoint');
    assert.deepEqual(stopped['hitBreakpointIds'], [breakpoints[0].id]);
    assert.equal(await session.place(), 'console_init+0x2');
    await session.client.request('setInstructionBreakpoints', { breakpoints: [] });
    assert.equal((await session.resume('continue'))['description'], 'Halted');
  });

  it('does not pretend to know source lines', async () => {
    const { breakpoints } = await session.client.request('setBreakpoints', {
      source: { path: 'kernel.c' },
      breakpoints: [{ line: 7 }],
    });
    assert.equal(breakpoints[0]?.verified, false);
    assert.match(breakpoints[0].message ?? '', /Source lines come in a later version/);
  });

  it('steps over a call and into it', async () => {
    await breakOn('kernel_main');
    await session.resume('continue');
    const before = await number('$esp');
    await breakOn();
    // Up to the first call, of console_init.
    while (!(await session.evaluate('byte [$eip] == 0xe8')).startsWith('1')) await session.resume('stepIn');
    const call = await number('$eip');
    const inside = await number('$esp');
    assert.equal((await session.resume('next'))['reason'], 'step');
    assert.equal(await number('$eip'), call + 5);
    assert.equal(await number('$esp'), inside);
    assert.ok(inside <= before);
    assert.equal((await session.frames()).length, 2);
  });

  it('steps over a call that recurses to the same place', async () => {
    // print_decimal calls itself for each digit; every level returns to the same instruction.
    await breakOn('print_decimal');
    await session.client.request('writeMemory', {
      memoryReference: '0x300000',
      // push $1234; call print_decimal; jmp .
      data: Buffer.from([
        0x68,
        0xd2,
        0x04,
        0,
        0,
        0xe8,
        ...relative(0x30000a, addressOf('print_decimal')),
        0xeb,
        0xfe,
      ]).toString('base64'),
    });
    const registers = await session.scope('Registers');
    for (const [name, value] of [
      ['EIP', '0x300000'],
      ['ESP', '0x103000'],
    ] as const)
      await session.client.request('setVariable', { variablesReference: registers, name, value });
    await session.resume('continue');
    await breakOn();
    const isCall = 'byte [$eip] == 0xe8 && $eip + 5 + *(s32*)($eip + 1) == print_decimal';
    while (!(await session.evaluate(isCall)).startsWith('1')) await session.resume('stepIn');
    const [place, depth] = [await session.place(), await number('$esp')];
    await session.resume('next');
    assert.equal(await number('$esp'), depth);
    assert.notEqual(await session.place(), place);
    assert.deepEqual((await session.frames()).length, 2);
    assert.equal((await session.frames())[1]?.instructionPointerReference, '0x0030000a');
    await session.resume('stepOut');
    assert.equal(await number('$eip'), 0x30000a);
    assert.equal(await number('$esp'), 0x103000 - 4);
  });

  it('steps over a repeated string instruction', async () => {
    while ((await session.place()) !== '_start+0x20') await session.resume('stepIn');
    await session.resume('next');
    assert.equal(await session.place(), '_start+0x22');
    assert.equal(await number('$ecx'), 0);
    assert.equal(await number('$edi'), 0x1038a4);
  });

  it('steps out to the caller, and says when there is none', async () => {
    await assert.rejects(session.client.request('stepOut', { threadId: 1 }), /There is no caller to step out to/);
    await breakOn('put_at');
    await session.resume('continue');
    const [, caller] = await session.frames();
    await breakOn();
    await session.resume('stepOut');
    assert.equal((await session.frames())[0]?.instructionPointerReference, caller?.instructionPointerReference);
  });

  it('stops at a breakpoint inside what it steps over', async () => {
    await breakOn('kernel_main');
    await session.resume('continue');
    const [breakpoint] = await breakOn('put_at');
    let stopped: Record<string, unknown>;
    do stopped = await session.resume('next');
    while (stopped['reason'] === 'step');
    assert.deepEqual(stopped['hitBreakpointIds'], [breakpoint?.id]);
    assert.equal(await session.place(), 'put_at');
  });

  it('pages the call stack', async () => {
    await breakOn('put_at');
    await session.resume('continue');
    const all = await session.frames();
    const page = await session.client.request('stackTrace', { threadId: 1, startFrame: 1, levels: 2 });
    assert.deepEqual(page.stackFrames, all.slice(1, 3));
    assert.equal(page.totalFrames, all.length);
  });

  it('pauses a guest in a tight loop, and refuses to look inside while it runs', async () => {
    const { client } = session;
    await client.request('writeMemory', { memoryReference: '0x1000d0', data: TIGHT_LOOP });
    await client.request('continue', { threadId: 1 });
    await assert.rejects(
      client.request('stackTrace', { threadId: 1 }),
      /The machine is running\. Pause it to look inside\./,
    );
    // The first slice builds what running needs; a pause that comes before it finds nothing run.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const asked = performance.now();
    await client.request('pause', { threadId: 1 });
    assert.equal((await client.event('stopped'))['reason'], 'pause');
    console.log(`      pause answered in ${(performance.now() - asked).toFixed(1)} ms`);
    assert.equal(await session.place(), '_start');
    assert.ok((await client.request('startOfDay/screen')).instruction > 1000);
  });

  it('tells views of every stop, with the instruction', async () => {
    const { client } = session;
    await session.resume('stepIn');
    const changed = await client.event('startOfDay/changed');
    assert.equal(changed['instruction'], 1);
    assert.deepEqual(changed['views'], ['boot', 'machine', 'pvOps', 'screen']);
  });

  it('sends what the guest prints to the console', async () => {
    assert.equal((await session.resume('continue'))['description'], 'Halted');
    const { client } = session;
    assert.match(client.outputOf('stdout'), /^paravirt: running on bare hardware\n/);
    assert.match(client.outputOf('stdout'), /\nparavirt: halted\n$/);
    const screen = await client.request('startOfDay/screen');
    assert.ok(screen.text.some((line) => line.startsWith('paravirt: halted')));
  });

  it('restarts at the entry with the breakpoints where they were (supportsRestartRequest)', async () => {
    const { client } = session;
    const [breakpoint] = await breakOn('kernel_main');
    await session.resume('continue');
    await client.request('setVariable', {
      variablesReference: await session.scope('Registers'),
      name: 'EBX',
      value: '1',
    });
    await client.request('restart', {});
    assert.equal((await client.event('stopped'))['reason'], 'entry');
    assert.equal(await session.evaluate('$eax == 0x2badb002'), '1');
    const stopped = await session.resume('continue');
    assert.deepEqual(stopped['hitBreakpointIds'], [breakpoint?.id]);
    assert.equal(await session.place(), 'kernel_main');
  });

  it('restarts while the guest runs', async () => {
    const { client } = session;
    await client.request('writeMemory', { memoryReference: '0x1000d0', data: TIGHT_LOOP });
    await client.request('continue', { threadId: 1 });
    await client.request('restart', {});
    assert.equal((await client.event('stopped'))['reason'], 'entry');
    assert.equal((await session.memory('0x1000d0', 1))[0], 0x3d);
  });

  it('terminates (supportsTerminateRequest) and disconnects', async () => {
    const { client } = session;
    await client.request('terminate', {});
    await client.event('terminated');
    const exit = once(client.process ?? process, 'exit');
    await client.request('disconnect', {});
    assert.deepEqual(await exit, [0, null]);
  });

  it('ends when its client goes away, even while the guest runs', async () => {
    const { client } = session;
    await client.request('writeMemory', { memoryReference: '0x1000d0', data: TIGHT_LOOP });
    await client.request('continue', { threadId: 1 });
    await client.close();
    assert.equal(client.process?.exitCode, 0);
  });
});

/** The operand of a CALL that ends at `next`. */
function relative(next: number, target: number): number[] {
  return [...Buffer.from(Int32Array.of(target - next).buffer)];
}
