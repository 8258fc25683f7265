import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DapError } from '../support/dap-client.ts';
import { DebugSession } from '../support/debug-session.ts';
import { sample } from '../support/samples.ts';

const PROGRAM = sample('multiboot');
/** EB FE jumps to itself. */
const TIGHT_LOOP = Buffer.from([0xeb, 0xfe]).toString('base64');

describe('DAP with a client that errs', () => {
  let session: DebugSession;
  beforeEach(() => (session = new DebugSession()));
  afterEach(() => session.client.close());

  /** Writes bytes as they are to the adapter. */
  const write = (text: string): void => void session.client.process?.stdin?.write(text);
  const framed = (text: string): string => `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  const said = async (): Promise<string> => String((await session.client.event('output'))['output']);

  it('reports bytes that are no message and reads on', async () => {
    write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await session.client.request('initialize', { adapterID: 'start-of-day' });
    assert.match(
      await said(),
      /^The client sent what is no message of the Debug Adapter Protocol\. "GET \/ HTTP.*" stands where a message with a Content-Length header is needed\n$/,
    );
    write('\u0000'.repeat(100_000));
    assert.equal((await session.client.boot({ program: PROGRAM }))['reason'], 'entry');
  });

  it('reports text that is not JSON, and JSON that is no request', async () => {
    write(framed('{"seq": 1, "type": "request", '));
    assert.match(await said(), /"\{\\"seq\\": 1, \\"type\\": \\"request\\", " stands where JSON is needed/);
    for (const message of ['null', '[]', '7', '{"type":"request"}', '{"type":"event","seq":1}']) {
      write(framed(message));
      assert.match(await said(), /^The client sent a message that is no request\. A request has /);
    }
    assert.equal((await session.client.boot({ program: PROGRAM }))['reason'], 'entry');
  });

  it('refuses what needs a machine before there is one', async () => {
    const { client } = session;
    await client.request('initialize', { adapterID: 'start-of-day' });
    const none = /There is no machine yet\. Send a launch request first\./;
    await assert.rejects(client.request('configurationDone'), none);
    await assert.rejects(client.request('continue', { threadId: 1 }), none);
    await assert.rejects(client.request('pause', { threadId: 1 }), none);
    await assert.rejects(client.request('restart', {}), none);
    await assert.rejects(client.request('evaluate', { expression: '1' }), none);
    await assert.rejects(client.request('startOfDay/machine'), none);
    await client.request('terminate', {});
    await client.event('terminated');
  });

  it('refuses to look into a machine that runs, at once, and takes breakpoints for it', async () => {
    const { client } = session;
    await client.boot({ program: PROGRAM });
    const registers = await session.scope('Registers');
    await client.request('writeMemory', { memoryReference: '0x1000d0', data: TIGHT_LOOP });
    await client.request('continue', { threadId: 1 });
    const started = performance.now();
    const running = /The machine is running\. Pause it to look inside\./;
    await Promise.all([
      assert.rejects(client.request('scopes', { frameId: 1 }), running),
      assert.rejects(client.request('variables', { variablesReference: registers }), running),
      assert.rejects(
        client.request('setVariable', { variablesReference: registers, name: 'EAX', value: '1' }),
        running,
      ),
      assert.rejects(client.request('evaluate', { expression: '$eax', context: 'hover' }), running),
      assert.rejects(client.request('readMemory', { memoryReference: '0', count: 1 }), running),
      assert.rejects(client.request('writeMemory', { memoryReference: '0', data: TIGHT_LOOP }), running),
      assert.rejects(client.request('disassemble', { memoryReference: '0', instructionCount: 1 }), running),
      assert.rejects(client.request('exceptionInfo', { threadId: 1 }), running),
      assert.rejects(client.request('stepIn', { threadId: 1 }), running),
      assert.rejects(client.request('continue', { threadId: 1 }), running),
      client.request('threads'),
      client.request('startOfDay/machine'),
      client.request('startOfDay/screen'),
    ]);
    assert.ok(performance.now() - started < 2000);
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x1000d0' }] });
    assert.equal((await client.event('stopped'))['reason'], 'instruction breakpoint');
  });

  it('takes a pause of a stopped machine without a second stop', async () => {
    const { client } = session;
    await client.boot({ program: PROGRAM });
    await client.request('pause', { threadId: 1 });
    assert.equal((await session.resume('stepIn'))['reason'], 'step');
    assert.equal(client.events.filter(({ event }) => event === 'stopped').length, 2);
  });

  it('evaluates without a trace', async () => {
    const { client } = session;
    await client.boot({ program: PROGRAM });
    const state = async (): Promise<unknown> => [
      await session.children(await session.scope('Registers')),
      (await client.request('startOfDay/screen')).instruction,
      (await session.memory('0x100000', 0x4000)).toString('base64'),
    ];
    const before = await state();
    for (const context of ['hover', 'watch', 'repl'])
      for (const expression of ['$eax = 1', '$eax++', '*(u32*)0x100000 = 0', 'kernel_main()', '$eip += 4', ''])
        await assert.rejects(session.evaluate(expression, context), DapError);
    await assert.rejects(session.evaluate('registers', 'hover'), /There is no symbol or register "registers"/);
    assert.deepEqual(await state(), before);
  });

  it('lists as many instructions as were asked for where nothing is mapped, and refuses what would take for ever', async () => {
    const { client } = session;
    await client.boot({ program: PROGRAM, memory: '16M' });
    const list = async (memoryReference: string, instructionOffset: number, instructionCount: number) =>
      (await client.request('disassemble', { memoryReference, instructionOffset, instructionCount }))?.instructions ??
      [];
    for (const [at, offset, count] of [
      ['0xf0000000', 0, 50],
      ['0xf0000000', -200, 400],
      ['0xfffffff0', -8, 64],
      ['0x00000000', -400, 400],
      ['0x01000000', -16, 32],
      ['0xf0000000', 0, 20_000],
    ] as const)
      assert.equal((await list(at, offset, count)).length, count, at);
    await assert.rejects(list('0', 0, 2 ** 31), /instructionCount is 2,147,483,648\. One answer reaches over at most/);
    await assert.rejects(list('0', -(2 ** 31), 1), /instructionOffset is 2,147,483,648/);
  });

  it('takes a second launch after the first machine was terminated', async () => {
    const { client } = session;
    await client.boot({ program: PROGRAM });
    await client.request('terminate', {});
    await client.event('terminated');
    await assert.rejects(
      client.request('continue', { threadId: 1 }),
      /The session is over\. Launch the kernel again\./,
    );
    await assert.rejects(session.evaluate('$eax'), /The session is over/);
    assert.equal((await client.boot({ program: sample('triple-fault') }))['reason'], 'entry');
    assert.equal((await session.resume('continue'))['description'], 'Triple fault');
    await client.request('terminate', {});
    await client.event('terminated');
    const exit = once(client.process ?? process, 'exit');
    await client.request('disconnect', {});
    assert.deepEqual(await exit, [0, null]);
  });

  it('does not step a machine that has shut down, and restarts it', async () => {
    const { client } = session;
    await client.boot({ program: sample('triple-fault') });
    await session.resume('continue');
    for (const step of ['next', 'stepIn', 'stepOut'] as const)
      await assert.rejects(
        client.request(step, { threadId: 1 }),
        /The machine has shut down\. Restart it to run again\./,
      );
    assert.equal(await session.place(), 'die');
    await client.request('restart', {});
    assert.equal((await client.event('stopped'))['reason'], 'entry');
  });
});

describe('DAP without debugging (noDebug)', () => {
  let session: DebugSession;
  beforeEach(() => (session = new DebugSession()));
  afterEach(() => session.client.close());

  /** As Run Without Debugging does it, with a breakpoint that is set all the same. */
  const run = async (name: string, more: Record<string, unknown> = {}): Promise<void> => {
    const { client } = session;
    await client.request('initialize', { adapterID: 'start-of-day' });
    const configuration: Record<string, unknown> = { program: sample(name), noDebug: true, ...more };
    await client.request('launch', configuration);
    await client.event('initialized');
    const { breakpoints } = await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'kernel_main' }] });
    assert.equal(breakpoints[0]?.verified, false);
    await client.request('configurationDone');
  };

  it('runs past the entry and breakpoints to the end of the guest', async () => {
    await run('paravirt', { cmdline: 'exit' });
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
    assert.match(session.client.outputOf('stdout'), /paravirt: interrupts disabled: off\n/);
    assert.deepEqual(
      session.client.events.filter(({ event }) => event === 'stopped'),
      [],
    );
  });

  it('ends with a guest that halts for good, and with one that dies', async () => {
    await run('paravirt');
    assert.deepEqual(await session.client.event('exited'), { exitCode: 0 });
    assert.match(session.client.outputOf('important'), /^Halted with interrupts off at 0x[0-9a-f]{8}: /);
    await session.client.close();
    session = new DebugSession();
    await run('triple-fault');
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
    assert.match(session.client.outputOf('important'), /^Triple fault at 0x[0-9a-f]{8}: /);
  });
});
