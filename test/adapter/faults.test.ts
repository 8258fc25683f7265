import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { sample } from '../support/samples.ts';

const PROGRAM = sample('triple-fault');

describe('DAP on a machine that dies', () => {
  let session: DebugSession;
  afterEach(() => session.client.close());

  it('stops on a triple fault and explains it (supportsExceptionInfoRequest)', async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM });
    await assert.rejects(
      session.client.request('exceptionInfo', { threadId: 1 }),
      /The machine has not stopped on an exception/,
    );
    const stopped = await session.resume('continue');
    assert.equal(stopped['reason'], 'exception');
    assert.equal(stopped['description'], 'Triple fault');
    assert.equal(stopped['text'], '#UD → #GP → #DF → shutdown');
    const info = await session.client.request('exceptionInfo', { threadId: 1 });
    assert.equal(info.exceptionId, 'triple fault (shutdown)');
    const lines = (info.description ?? '').split('\n');
    assert.ok(lines.length <= 12);
    assert.match(lines[0] ?? '', /^#UD → #GP → #DF → shutdown, at instruction [\d,]+$/);
    assert.match(lines[1] ?? '', /^1\. #UD at 0x[0-9a-f]{4}:0x[0-9a-f]{8} <die>: /);
    // Vector 6 is at 6 * 8, its error code names entry 6 of the IDT (SDM 3, 6.13).
    assert.equal(lines[2], '2. #GP(0x33): vector 6 needs IDT bytes 0x30 to 0x37; IDTR limit is 0x0000.');
    assert.match(lines[3] ?? '', /^3\. #DF\(0\): .*vector 13 needs IDT bytes 0x68 to 0x6f/);
    assert.equal(lines[4], '4. Shutdown: vector 8 needs IDT bytes 0x40 to 0x47; IDTR limit is 0x0000.');
    assert.match(
      lines[5] ?? '',
      /^Between its entry and its own IDT nothing can catch a fault of a kernel, and no LIDT has run yet\. Load an IDT with a limit of at least 0x37 before instruction /,
    );
  });

  it('stands before the first fault, with its chain as a scope', async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM });
    await session.resume('continue');
    assert.equal(await session.place(), 'die');
    // UD2 is 0f 0b.
    assert.equal(await session.evaluate('*(u16*)$eip == 0x0b0f'), '1');
    assert.match((await session.variable('Fault', '1')).value, /^#UD · /);
    assert.match((await session.variable('Fault', '2', 'error code')).value, /^index 6, IDT, external$/);
  });

  it('ends the session when it is continued', async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM });
    await session.resume('continue');
    await session.client.request('continue', { threadId: 1 });
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
    await session.client.event('terminated');
  });

  it('ends the session at once when the filter is off', async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM });
    const answer = await session.client.request('setExceptionBreakpoints', { filters: [] });
    assert.deepEqual(answer, { breakpoints: [] });
    await session.client.request('continue', { threadId: 1 });
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
    assert.match(session.client.outputOf('important'), /^Triple fault at 0x[0-9a-f]{8}: /);
  });

  it('leaves the filters of the launch configuration on', async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM, exceptions: ['shutdown'] });
    await session.client.request('setExceptionBreakpoints', { filters: [] });
    assert.equal((await session.resume('continue'))['description'], 'Triple fault');
  });

  it('ends with the code of the debug exit port', async () => {
    session = new DebugSession();
    await session.client.start({ program: sample('multiboot'), cmdline: 'exit', stopOnEntry: false });
    // (0 << 1) | 1, as QEMU's isa-debug-exit.
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
    await session.client.event('terminated');
    assert.match(session.client.outputOf('stdout'), /paravirt: interrupts disabled: off\n/);
  });

  it('stops after maxInstructions, once', async () => {
    session = new DebugSession();
    await session.client.start({ program: PROGRAM, stopOnEntry: false, maxInstructions: 1000 });
    const stopped = await session.client.event('stopped');
    assert.equal(stopped['description'], 'Instruction limit');
    assert.equal((await session.client.request('startOfDay/screen')).instruction, 1000);
    assert.equal((await session.resume('continue'))['description'], 'Triple fault');
  });
});

describe('DAP on what the machine does not have', () => {
  it('stops before an unimplemented instruction and names it', async () => {
    const session = new DebugSession();
    try {
      await session.client.boot({ program: PROGRAM, cpu: 'pentium-pro' });
      // mov ecx, 0x186; mov eax, 0x430000; cdq; wrmsr: IA32_PERFEVTSEL0 enabled at every level.
      const code = [0xb9, 0x86, 1, 0, 0, 0xb8, 0, 0, 0x43, 0, 0x99, 0x0f, 0x30];
      await session.client.request('writeMemory', {
        memoryReference: await session.evaluate('$eip').then((text) => text.split(' ')[0] ?? ''),
        data: Buffer.from(code).toString('base64'),
      });
      for (let n = 0; n < 3; n++) await session.resume('stepIn');
      const stopped = await session.resume('stepIn');
      assert.equal(stopped['reason'], 'exception');
      assert.equal(stopped['description'], 'Not implemented');
      assert.match(String(stopped['text']), /performance counters \(MSR 0x186 \(IA32_PERFEVTSEL0\)\)/);
      const info = await session.client.request('exceptionInfo', { threadId: 1 });
      assert.equal(info.exceptionId, 'unimplemented');
      assert.equal(await session.place(), '_start+0xb');
    } finally {
      await session.client.close();
    }
  });
});
