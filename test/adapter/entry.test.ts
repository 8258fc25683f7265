import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { reference, sample } from '../support/samples.ts';

const PROGRAM = sample('multiboot');
/** e_entry of the sample (readelf -h). */
const ENTRY = 0x1000d0;

describe('DAP at the Multiboot entry', () => {
  let session: DebugSession;
  let stopped: Record<string, unknown>;

  beforeEach(async () => {
    session = new DebugSession();
    stopped = await session.client.boot({ program: PROGRAM, cmdline: 'exit now', bootLoaderName: 'tester' });
  });
  afterEach(() => session.client.close());

  it('stops before the first instruction (supportsConfigurationDoneRequest)', async () => {
    assert.equal(stopped['reason'], 'entry');
    assert.equal(stopped['threadId'], 1);
    const [frame] = await session.frames();
    assert.equal(frame?.name, '_start');
    assert.equal(frame.instructionPointerReference, reference(ENTRY));
    assert.deepEqual((await session.client.request('threads', undefined)).threads, [{ id: 1, name: 'CPU 0' }]);
  });

  it('says how it entered and what the machine is', () => {
    const output = session.client.outputOf('console');
    assert.match(output, /^Chose multiboot because multiboot\.elf has a Multiboot 1 header at file offset 0x94/);
    assert.match(output, /Machine: 128 MiB, native\. Symbols: \d+\./);
  });

  it('has the registers that Multiboot promises (0.6.96, 3.2)', async () => {
    assert.equal((await session.variable('Registers', 'EAX')).value, '0x2BADB002 = 732803074 · Multiboot magic');
    assert.match((await session.variable('Registers', 'EBX')).value, /^0x[0-9A-F]{8} → multiboot_info$/);
    assert.equal((await session.variable('Registers', 'EIP')).value, '0x001000D0 <_start>');
    assert.match((await session.variable('Registers', 'ESP')).value, /^0x[0-9A-F]{8} · not promised$/);
    assert.match((await session.variable('Registers', 'EFLAGS', 'IF')).value, /^0 · bit 9, interrupts off$/);
    assert.match((await session.variable('Registers', 'EFLAGS')).value, / IF=0 /);
    assert.match((await session.variable('Segments', 'CS')).value, / · 32-bit code, base 0, 4 GiB, DPL 0 · cached$/);
    assert.match((await session.variable('Segments', 'DS')).value, / · 32-bit data, base 0, 4 GiB, DPL 0 · cached$/);
    assert.equal((await session.variable('Control', 'CR0', 'PE')).value, '1 · bit 0, protected mode');
    assert.equal((await session.variable('Control', 'CR0', 'PG')).value, '0 · bit 31, paging off');
  });

  it('has the scopes of the design, the costly ones closed', async () => {
    const { scopes } = await session.client.request('scopes', { frameId: 1 });
    assert.deepEqual(
      scopes.map(({ name, expensive }) => [name, expensive]),
      [
        ['Registers', false],
        ['Segments', false],
        ['Control', false],
        ['System', true],
        ['Floating point', true],
        ['MMX and SSE', true],
        ['Start of Day', true],
      ],
    );
    const system = (await session.children(await session.scope('System'))).map(({ name }) => name);
    // A hardware reset leaves +0 in all registers, and every exception unmasked (SDM 3, table 9-1).
    assert.equal((await session.variable('Floating point', 'ST0')).value, '0 · 0x00000000000000000000');
    assert.match((await session.variable('Floating point', 'FCTRL')).value, /^0x0040/);
    assert.equal((await session.variable('Floating point', 'FTAG', 'R7')).value, '1 · bits 14-15, zero');
    assert.deepEqual(system, ['GDTR', 'IDTR', 'LDTR', 'TR', 'DR0', 'DR1', 'DR2', 'DR3', 'DR6', 'DR7']);
  });

  it('opens the information structure below EBX', async () => {
    const flags = await session.variable('Registers', 'EBX', 'flags');
    // Bits 0, 2, 6 and 9 of 3.3: memory, command line, memory map and loader name are there.
    assert.match(flags.value, /\bMEMORY\b.*\bCMDLINE\b.*\bMMAP\b.*\bLOADER_NAME\b/);
    assert.equal((await session.variable('Registers', 'EBX', 'mem_lower')).value, '639 KiB');
    // 128 MiB less the first MiB.
    assert.equal((await session.variable('Registers', 'EBX', 'mem_upper')).value, '130048 KiB = 127 MiB');
    assert.match((await session.variable('Registers', 'EBX', 'cmdline')).value, /^0x[0-9a-f]+ "exit now"$/);
    assert.match((await session.variable('Registers', 'EBX', 'boot_loader_name')).value, /^0x[0-9a-f]+ "tester"$/);
    assert.match((await session.variable('Registers', 'EBX', 'boot_device')).value, /^absent: flags bit 1 is 0$/);
  });

  it('keeps the structure in reach when EBX points elsewhere', async () => {
    await session.client.request('setVariable', {
      variablesReference: await session.scope('Registers'),
      name: 'EBX',
      value: '0',
    });
    assert.equal((await session.variable('Registers', 'EBX')).variablesReference, 0);
    assert.match((await session.variable('Start of Day', 'multiboot_info', 'mem_lower')).value, /^639 KiB$/);
  });

  it('keeps the handles of rows from stop to stop', async () => {
    const before = (await session.variable('Registers', 'EFLAGS')).variablesReference;
    await session.resume('stepIn');
    assert.equal((await session.variable('Registers', 'EFLAGS')).variablesReference, before);
    assert.equal((await session.variable('Registers', 'EFLAGS', 'ZF')).value, '1 · bit 6, zero');
  });
});
