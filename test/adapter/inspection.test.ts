import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { reference, sample, symbolsOf } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

const PROGRAM = sample('multiboot');

describe('DAP on a stopped machine', () => {
  let session: DebugSession;

  before(async () => {
    session = new DebugSession();
    await session.client.boot({ program: PROGRAM, memory: '16M' });
  });
  after(() => session.client.close());

  it('reads memory as it is in the file (supportsReadMemoryRequest)', async () => {
    const file = readFileSync(PROGRAM);
    assert.deepEqual(await session.memory('0x100000', 0xa54), file.subarray(0, 0xa54));
  });

  it('reads with an offset, in part at the end of memory, and nothing beyond it', async () => {
    const { client } = session;
    const at = await client.request('readMemory', { memoryReference: '0x100010', offset: -0x10, count: 4 });
    assert.deepEqual(
      { ...at, data: Buffer.from(at?.data ?? '', 'base64').toString('latin1') },
      { address: '0x00100000', data: '\x7fELF' },
    );
    const part = await client.request('readMemory', { memoryReference: '0x00fffff0', count: 0x40 });
    assert.equal(Buffer.from(part?.data ?? '', 'base64').length, 16);
    assert.equal(part?.unreadableBytes, 0x30);
    const none = await client.request('readMemory', { memoryReference: '0x10000000', count: 16 });
    assert.deepEqual(none, { address: '0x10000000', data: '', unreadableBytes: 16 });
    const wrapping = await client.request('readMemory', { memoryReference: '0x0', offset: -16, count: 8 });
    assert.equal(wrapping?.unreadableBytes, 8);
  });

  it('caps a read of everything', async () => {
    const body = await session.client.request('readMemory', { memoryReference: '0', count: 2 ** 40 });
    assert.equal(Buffer.from(body?.data ?? '', 'base64').length, 4 * 1024 * 1024);
  });

  it('writes memory (supportsWriteMemoryRequest)', async () => {
    const { client } = session;
    const written = await client.request('writeMemory', {
      memoryReference: '0x300000',
      data: Buffer.from('hello').toString('base64'),
    });
    assert.deepEqual(written, { bytesWritten: 5 });
    assert.equal((await session.memory('0x300000', 5)).toString(), 'hello');
    assert.equal(await session.evaluate('*(u8*)0x300004'), '0x6F = 111');
  });

  it('refuses to write where there is no memory, or does it in part when asked to', async () => {
    const { client } = session;
    const data = Buffer.alloc(8, 1).toString('base64');
    await assert.rejects(
      client.request('writeMemory', { memoryReference: '0xfffffc', data }),
      /8 bytes cannot be written at 0x00fffffc. Memory ends after 4 bytes/,
    );
    const part = await client.request('writeMemory', { memoryReference: '0xfffffc', data, allowPartial: true });
    assert.deepEqual(part, { bytesWritten: 4 });
    await assert.rejects(client.request('writeMemory', { memoryReference: '0', data: '%%' }), /The data is not base64/);
    await assert.rejects(
      client.request('readMemory', { memoryReference: 'here', count: 1 }),
      /"here" is not an address/,
    );
  });

  it('changes a register, and flags by words (supportsSetVariable)', async () => {
    const { client } = session;
    const registers = await session.scope('Registers');
    const set = async (name: string, value: string): Promise<string> =>
      (await client.request('setVariable', { variablesReference: registers, name, value })).value;
    assert.equal(await set('ECX', '0x10'), '0x00000010 = 16');
    assert.equal(await set('ECX', '$ecx * 2 + 1'), '0x00000021 = 33');
    assert.equal(await set('ECX', '-1'), '0xFFFFFFFF = 4294967295');
    assert.equal(await set('ECX', 'kernel_main'), '0x0010077E <kernel_main>');
    assert.match(await set('EFLAGS', 'IF -ZF CF'), / CF · IF=1 | CF · IF=1|CF .* IF=1 /);
    assert.match(await set('EFLAGS', '-IF -CF'), / IF=0 /);
    const eflags = (await session.variable('Registers', 'EFLAGS')).variablesReference;
    const bit = await client.request('setVariable', { variablesReference: eflags, name: 'IOPL', value: '3' });
    assert.equal(bit.value, '3 · bits 12-13');
    assert.equal(await session.evaluate('$eflags.iopl'), '3');
    const cr0 = (await session.variable('Control', 'CR0')).variablesReference;
    const protect = await client.request('setVariable', { variablesReference: cr0, name: 'WP', value: '1' });
    assert.match(protect.value, /^1 · bit 16/);
    assert.equal(await session.evaluate('$cr0 == 0x10011'), '1');
  });

  it('shows and changes MMX and SSE registers by words, MXCSR by fields', async () => {
    const { client } = session;
    const xmm = (await session.variable('MMX and SSE', 'XMM1')).variablesReference;
    const set = async (name: string, value: string, within = xmm): Promise<string> =>
      (await client.request('setVariable', { variablesReference: within, name, value })).value;
    assert.equal(await set('w1', '0x3ff80000'), '0x3FF80000');
    assert.equal((await session.variable('MMX and SSE', 'XMM1')).value, '0x00000000_00000000_3FF80000_00000000');
    assert.equal((await session.variable('MMX and SSE', 'XMM1', 'double')).value, '1.5, 0');
    assert.equal((await session.variable('MMX and SSE', 'XMM1', 'float')).value, '0, 1.9375, 0, 0');
    assert.equal(await session.evaluate('$xmm1.w1 >> 16'), '0x00003FF8 = 16376');
    // The state after power-up (SDM 3, table 9-1).
    assert.equal((await session.variable('MMX and SSE', 'MXCSR')).value, '0x00001F80 · rounds to nearest · all masked');
    const vector = await session.scope('MMX and SSE');
    assert.equal(await set('MXCSR', '-OM IE', vector), '0x00001B81 · rounds to nearest · not masked: OM · IE');
    await assert.rejects(
      client.request('setVariable', { variablesReference: vector, name: 'MXCSR', value: '0x11f80' }),
      /MXCSR cannot be 0x00011F80. The CPU would refuse it with #GP\(0x0\): bits 0x10000 are reserved/i,
    );
    assert.equal(await set('MXCSR', '0x1f80', vector), '0x00001F80 · rounds to nearest · all masked');
  });

  it('says why a variable cannot take a value', async () => {
    const { client } = session;
    const registers = await session.scope('Registers');
    const refuse = (name: string, value: string, why: RegExp, scope = registers): Promise<void> =>
      assert.rejects(client.request('setVariable', { variablesReference: scope, name, value }), why);
    await refuse('EAX', '0x100000000', /0x100000000 does not fit into EAX/);
    await refuse('EAX', 'eex', /There is no symbol or register "eex". Did you mean/);
    await refuse('EFLAGS', 'IF XF', /There is no flag "XF"/);
    await refuse('EFLAG', '1', /There is no variable "EFLAG" here. Did you mean "EFLAGS"\?/);
    await refuse('CS', '8', /CS cannot be changed here. Let the guest load it/, await session.scope('Segments'));
    // This loader leaves no GDT behind, so that nothing can be loaded.
    await refuse(
      'DS',
      '0x10',
      /DS cannot be 0x0010. The CPU would refuse it with #GP\(0x10\): DS selector 0x10.*GDT limit/,
      await session.scope('Segments'),
    );
    const cr0 = (await session.variable('Control', 'CR0')).variablesReference;
    const noWriteThrough = /CR0 cannot be 0x20010011. The CPU would refuse it with #GP\(0\): .*NW without CD/;
    await refuse('NW', '1', noWriteThrough, cr0);
    const eflags = (await session.variable('Registers', 'EFLAGS')).variablesReference;
    await refuse('CF', '2', /CF cannot be 2. It has 1 bit/, eflags);
  });

  it('evaluates for hovers, watches and the console (supportsEvaluateForHovers)', async () => {
    assert.equal(await session.evaluate('$eax', 'hover'), '0x2BADB002 = 732803074');
    assert.equal(await session.evaluate('%eax == 0x2badb002'), '1');
    assert.equal(await session.evaluate('kernel_main + 5', 'repl'), '0x00100783 <kernel_main+0x5>');
    assert.equal(await session.evaluate('*(u32*)0x100000'), '0x464C457F = 1179403647');
    assert.equal(await session.evaluate('$cs.base'), '0');
    await assert.rejects(
      session.evaluate('kernel_mian'),
      /There is no symbol or register "kernel_mian". Did you mean "kernel_main"\?/,
    );
  });

  it('has commands in the console', async () => {
    assert.match(await session.evaluate('help', 'repl'), /^help +this list\nregisters /);
    assert.match(await session.evaluate('registers', 'repl'), /^EAX +0x2BADB002/);
    assert.equal(await session.evaluate('backtrace', 'repl'), '#0  0x001000d0  _start');
    const explained = (await session.evaluate('explain', 'repl')).split('\n');
    assert.match(explained[0] ?? '', /^0x001000d0 <_start> {2}\S/);
    assert.match(explained[1] ?? '', /^✓ fetch +fetch of lin:0x001000d0 → phys:0x001000d0, paging is off$/);
    assert.match(explained.at(-1) ?? '', /^completes; next is 0x001000d[0-9a-f] <_start\+0x[0-9a-f]>$/);
    assert.match(await session.evaluate('explain kernel_main', 'repl'), /^0x0010077e <kernel_main>/);
    await assert.rejects(session.evaluate('help', 'watch'), /There is no symbol or register "help"/);
  });

  it('disassembles what objdump disassembles (supportsDisassembleRequest)', async function () {
    requireTool(this, 'objdump');
    const lines = execFileSync(
      'objdump',
      ['-d', '-w', '--start-address=0x1000d0', '--stop-address=0x100155', PROGRAM],
      { encoding: 'utf8' },
    );
    const expected = [...lines.matchAll(/^ +([0-9a-f]+):\t((?:[0-9a-f]{2} )+)/gm)].map(
      ([, address = '', bytes = '']) => [reference(parseInt(address, 16)), bytes.trim()],
    );
    const { instructions = [] } =
      (await session.client.request('disassemble', {
        memoryReference: '0x1000d0',
        instructionCount: expected.length,
      })) ?? {};
    assert.deepEqual(
      instructions.map(({ address, instructionBytes }) => [address, instructionBytes]),
      expected,
    );
    assert.equal(instructions[0]?.instruction, 'cmp $0x2badb002,%eax');
    assert.equal(instructions[0].symbol, '_start');
    assert.equal(instructions[1]?.instruction, 'jne 0x100100 <wrong_loader>');
    assert.equal(instructions[1].symbol, undefined);
  });

  it('disassembles around an address and always gives the count that was asked for', async () => {
    const at = async (memoryReference: string, instructionOffset: number, instructionCount: number) =>
      (await session.client.request('disassemble', { memoryReference, instructionOffset, instructionCount }))
        ?.instructions ?? [];
    const around = await at('0x1000dc', -3, 6);
    assert.deepEqual(
      around.map(({ address }) => address),
      ['0x001000d0', '0x001000d5', '0x001000d7', '0x001000dc', '0x001000de', '0x001000df'],
    );
    const start = await at('0x0', -10, 20);
    assert.equal(start.length, 20);
    const end = await at('0x00fffffe', 0, 10);
    assert.equal(end.length, 10);
    assert.equal(end.at(-1)?.presentationHint, 'invalid');
    assert.equal((await at('0x1000d0', -200, 400)).length, 400);
    assert.equal((await at('0x1000d0', 0, 0)).length, 0);
  });

  it('shows segment descriptors cached and in memory', async () => {
    const cached = await session.variable('Segments', 'CS', 'cached');
    assert.match(cached.value, /^00CF9[AB]00 0000FFFF · P DPL=0 code r-x, G D$/);
    const fields = (await session.children(cached.variablesReference)).map(({ name }) => name);
    assert.deepEqual(fields, ['base', 'limit', 'type', 'S', 'DPL', 'P', 'AVL', 'L', 'D/B', 'G']);
    // Multiboot leaves GDTR undefined (3.2); this loader leaves no table behind.
    assert.match(
      (await session.variable('Segments', 'CS', 'in memory')).value,
      /^GDT limit is 0: a reload raises #GP\(0x[0-9a-f]+\)$/,
    );
  });

  it('answers the views', async () => {
    const { client } = session;
    const boot = await client.request('startOfDay/boot');
    assert.equal(boot.entry, 'multiboot');
    assert.equal(boot.hypervisor, 'native');
    assert.equal(boot.promises.find(({ item }) => item === 'EAX')?.verdict, 'kept');
    assert.equal(boot.promises.find(({ item }) => item === 'ESP')?.verdict, 'not promised');
    assert.equal(boot.promises.filter(({ verdict }) => verdict === 'broken').length, 0);
    const machine = await client.request('startOfDay/machine');
    assert.deepEqual(
      machine.rows.map(({ label }) => label),
      ['Start of Day', 'CPU', 'Descriptor Tables', 'Devices', 'Images'],
    );
    const devices = machine.rows.find(({ label }) => label === 'Devices')?.children ?? [];
    const described = (label: string) => devices.find((row) => row.label === label)?.description;
    assert.deepEqual(['VGA', 'Local APIC', 'I/O APIC', 'ACPI power management'].map(described), [
      'text 80 x 25',
      'virtual wire',
      '0 of 24 pins unmasked',
      'legacy mode',
    ]);
    assert.equal(devices.filter(({ kind }) => kind === 'screen' || kind === 'serial').length, 2);
    const screen = await client.request('startOfDay/screen');
    assert.equal(screen.text.length, 25);
    assert.equal(screen.text[0]?.length, 80);
    assert.equal(Buffer.from(screen.attributes, 'base64').length, 2000);
  });

  it('lists the slots of pv_ops with the symbols that nm has', async function () {
    requireTool(this, 'nm');
    const symbols = symbolsOf(PROGRAM);
    const { groups } = await session.client.request('startOfDay/pvOps');
    const slots = groups.flatMap((group) => group.slots);
    const disable = slots.find(({ name }) => name === 'irq_disable');
    assert.equal(disable?.target, symbols.get('native_irq_disable'));
    assert.equal(disable?.description, 'native · native_irq_disable');
    assert.equal(disable.backend, 'native');
    assert.equal(disable.changed, false);
  });

  it('refuses a request that it does not know', async () => {
    await assert.rejects(session.client.request('gotoTargets' as 'threads'), /There is no request "gotoTargets" here/);
    await assert.rejects(session.client.request('toString' as 'threads'), /There is no request "toString" here/);
  });
});
