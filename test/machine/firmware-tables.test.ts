import assert from 'node:assert/strict';
import { aml } from '../../src/machine/firmware/acpi-machine-language.ts';
import { Machine } from '../../src/machine/machine.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from './guest.ts';

const { memory } = new Machine({ memory: 0x100000 });

function signature(address: number, length = 4): string {
  return String.fromCharCode(...memory.read(address, length));
}

function sum(address: number, length: number): number {
  return memory.read(address, length).reduce((total, byte) => total + byte, 0) & 0xff;
}

/** The first place at a multiple of 16 with this text, as an operating system looks for it. */
function find(text: string, first: number): number {
  for (let address = first; address < 0x100000; address += 16)
    if (signature(address, text.length) === text) return address;
  throw new Error(`no ${text}`);
}

/** Tables of the RSDT by signature. */
function tables(): Map<string, number> {
  const rsdt = memory.read32(find('RSD PTR ', 0xe0000) + 16);
  const count = (memory.read32(rsdt + 4) - 36) / 4;
  return new Map(
    Array.from({ length: count }, (_, index) => memory.read32(rsdt + 36 + index * 4)).map((address) => [
      signature(address),
      address,
    ]),
  );
}

function address(name: string): number {
  return tables().get(name) ?? assert.fail(`no ${name}`);
}

describe('firmware tables', () => {
  it('RSDP: found below 1 MiB, both checksums, revision 2; RSDT and XSDT list the same tables, all with right checksums', () => {
    const pointer = find('RSD PTR ', 0xe0000);
    assert.equal(sum(pointer, 20), 0);
    assert.equal(sum(pointer, 36), 0);
    assert.equal(memory.read8(pointer + 15), 2);
    const rsdt = memory.read32(pointer + 16);
    const xsdt = memory.read32(pointer + 24);
    assert.equal(signature(rsdt), 'RSDT');
    assert.equal(signature(xsdt), 'XSDT');
    const wide = Array.from({ length: (memory.read32(xsdt + 4) - 36) / 8 }, (_, index) =>
      memory.read32(xsdt + 36 + index * 8),
    );
    assert.deepEqual(wide, [...tables().values()]);
    assert.deepEqual([...tables().keys()], ['FACP', 'APIC', 'HPET']);
    const dsdt = memory.read32(address('FACP') + 40);
    assert.equal(signature(dsdt), 'DSDT');
    for (const table of [rsdt, xsdt, dsdt, ...wide]) assert.equal(sum(table, memory.read32(table + 4)), 0);
    const facs = memory.read32(address('FACP') + 36);
    assert.equal(signature(facs), 'FACS');
    assert.equal(facs % 64, 0);
  });

  // Offsets are those of ACPI 6.4 table 5-33; the values are those that QEMU 7.2's FADT has.
  it('FADT: SCI, command port, register blocks and their lengths as QEMU has them; the wide addresses say the same', () => {
    const fadt = address('FACP');
    assert.equal(memory.read32(fadt + 4), 244);
    assert.equal(memory.read16(fadt + 46), 9);
    assert.deepEqual([...memory.read(fadt + 48, 6)], [0xb2, 0, 0, 0, 0xf1, 0xf0]);
    const blocks = [56, 60, 64, 68, 72, 76, 80, 84].map((offset) => memory.read32(fadt + offset));
    assert.deepEqual(blocks, [0x600, 0, 0x604, 0, 0, 0x608, 0xafe0, 0]);
    assert.deepEqual([...memory.read(fadt + 88, 6)], [4, 2, 0, 4, 4, 0]);
    const wide = [148, 160, 172, 184, 196, 208, 220, 232].map((offset) => memory.read32(fadt + offset + 4));
    assert.deepEqual(wide, blocks);
    assert.deepEqual([...memory.read(fadt + 116, 13)], [1, 8, 0, 0, 0xf9, 0x0c, 0, 0, 0, 0, 0, 0, 6]);
  });

  it("MADT and HPET table: the entries of QEMU's", () => {
    const body = (name: string): string =>
      Buffer.from(memory.read(address(name) + 36, memory.read32(address(name) + 4) - 36)).toString('hex');
    assert.equal(
      body('APIC'),
      '0000e0fe01000000' +
        '0008000001000000' +
        '010c00000000c0fe00000000' +
        '020a0000020000000000' +
        '020a0005050000000d00' +
        '020a0009090000000d00' +
        '020a000a0a0000000d00' +
        '020a000b0b0000000d00' +
        '0406ff000001',
    );
    assert.equal(body('HPET'), '01a28680000000000000d0fe0000000000000000');
  });

  it('MP tables: floating pointer and configuration with checksums, entries as their count says', () => {
    const pointer = find('_MP_', 0xf0000);
    assert.equal(sum(pointer, 16), 0);
    const configuration = memory.read32(pointer + 4);
    const length = memory.read16(configuration + 4);
    assert.equal(signature(configuration), 'PCMP');
    assert.equal(sum(configuration, length), 0);
    const kinds: number[] = [];
    let at = configuration + 44;
    for (; at < configuration + length; at += kinds.at(-1) === 0 ? 20 : 8) kinds.push(memory.read8(at));
    assert.equal(at, configuration + length);
    assert.equal(kinds.length, memory.read16(configuration + 34));
    assert.deepEqual(kinds, [0, 1, 1, 2, ...new Array<number>(15).fill(3), 4, 4]);
  });

  it('AML: integers, EISA identifiers and package lengths as ACPI 6.4 20.2 encodes them', () => {
    assert.deepEqual(
      [0, 1, 2, 0x1234, 0x1ffff].map((value) => aml.integer(value)),
      [[0], [1], [0x0a, 2], [0x0b, 0x34, 0x12], [0x0c, 0xff, 0xff, 0x01, 0x00]],
    );
    assert.deepEqual(aml.eisaId('PNP0A03'), [0x0c, 0x41, 0xd0, 0x0a, 0x03]);
    assert.deepEqual(aml.package([[0], [0], [0], [0]]), [0x12, 0x06, 0x04, 0, 0, 0, 0]);
    const long = aml.package(new Array<number[]>(100).fill([1]));
    assert.deepEqual(long.slice(0, 4), [0x12, 0x47, 0x06, 100]);
    assert.equal(long.length, 1 + 0x67);
  });

  // What `iasl -oa` (20200925) makes of the source in the comment of DESCRIPTION, with the resources spelled out.
  it('the DSDT is what iasl compiles of its source', () => {
    const dsdt = memory.read32(address('FACP') + 40);
    assert.equal(
      Buffer.from(memory.read(dsdt + 36, memory.read32(dsdt + 4) - 36)).toString('hex'),
      '104b0a5c5f53425f5b82420a50434930' +
        '085f4849440c41d00a03' +
        '085f55494400' +
        '085f4352531142070a6e' +
        '880d00020c0000000000000000000100' +
        '4701f80cf80c0108' +
        '880d00010c0300000000f70c0000f80c' +
        '880d00010c030000000dffff000000f3' +
        '871700000c030000000000000a00ffff0b000000000000000200' +
        '871700000c0100000000000000c0ffffbffe000000000000c03e' +
        '7900085f505254120e01120b040cffff010000000a09' +
        '085c5f53355f12060400000000',
    );
  });
});

describe('guests of the power management', () => {
  before(function () {
    requireTool(this, 'nasm');
  });

  it('S5 stops the machine, and it stays off', () => {
    const machine = machineWith(assemble('mov edx, 0x604\nmov ax, 0x2000\nout dx, ax\nnop\nhlt'));
    const stop = machine.run({ maxInstructions: 100 });
    assert.equal(stop.reason, 'shutdown');
    assert.equal(stop.description, 'The guest switched the machine off through ACPI (S5) at 0x00100009.');
    assert.equal(machine.run({ maxInstructions: 100 }), stop);
  });

  it('the SCI comes as IRQ 9 through the I/O APIC, level-triggered, when the timer wraps', () => {
    const machine = machineWith(
      assemble(`${MACROS}
start:
  setup
  gate 0x39, sci
  remap 0xff, 0xff
  mov dword [0xfec00000], 0x22
  mov dword [0xfec00010], 0x8039
  outb 0xb2, 0xf1
  mov edx, 0x602
  mov ax, 1
  out dx, ax
  xor ecx, ecx
wait_event:
  sti
  hlt
  cmp ecx, 2
  jb wait_event
  mov al, cl
  out 0xf4, al
  hlt
sci:
  inc ecx
  mov edx, 0x600
  mov ax, 1
  out dx, ax
  mov dword [0xfee000b0], 0
  iret`),
    );
    assert.equal(machine.run({ maxInstructions: 1000 }).exitCode, 5);
    // Two half periods of 2^23 cycles.
    assert.equal(Math.floor(((machine.ticks / 1e8) * 3_579_545) / 2 ** 23), 2);
  });

  it('PM timer and time stamp counter run at 3.579545 and 100 MHz', () => {
    const machine = machineWith(
      assemble(`
  mov edx, 0x608
  in eax, dx
  mov ebx, eax
  rdtsc
  mov esi, eax
  mov ecx, 1000000
  loop $
  mov edx, 0x608
  in eax, dx
  sub eax, ebx
  mov [0x120000], eax
  rdtsc
  sub eax, esi
  mov [0x120004], eax
  hlt`),
    );
    machine.run({ maxInstructions: 2_000_000 });
    const [timer, stamp] = [machine.memory.read32(0x120000), machine.memory.read32(0x120004)];
    assert.ok(Math.abs(timer - (stamp * 3.579545) / 100) <= 1, `${timer} ${stamp}`);
  });
});
