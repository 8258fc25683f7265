import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  VMI_CALLS,
  VMI_ENTRY,
  VMI_PCI_HEADER,
  VMI_PCI_HEADER_SIZE,
  VMI_PNP_HEADER,
  VMI_PNP_HEADER_SIZE,
  VMI_ROM_HEADER,
  VMI_ROM_HEADER_SIZE,
} from '../../../src/abi/vmi.ts';
import { chooseEntry } from '../../../src/boot/choose-entry.ts';
import { applyPlan } from '../../../src/boot/load.ts';
import type { EngineName } from '../../../src/cpu/cpu.ts';
import { attachTo } from '../../../src/hypervisor/hypervisor.ts';
import { buildVmiRom, codeOf, VMI_ROM_ADDRESS } from '../../../src/hypervisor/vmi/vmi-rom.ts';
import { VMI_STUBS } from '../../../src/hypervisor/vmi/vmi-stubs.ts';
import { vmi } from '../../../src/hypervisor/vmi/vmi.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { MachineStop } from '../../../src/machine/stop.ts';
import { REGISTER } from '../../../src/x86/registers.ts';
import { MIB, OPTIONS } from '../../boot/kernels.ts';
import { assemble, compile, runHosted, type Program } from '../../support/assembler.ts';
import { Random } from '../../support/random.ts';
import { requireTool } from '../../support/tools.ts';

const SOURCE = join(import.meta.dirname, 'guest.c');

interface Ran {
  readonly machine: Machine;
  readonly stop: MachineStop;
  /** A word of `struct seen`, by its index. */
  readonly seen: (index: number) => number;
}

function machineFor({ bytes }: Program, entryAddress: number, engine: EngineName = 'translator'): Machine {
  const plan = chooseEntry({ name: 'guest', bytes }, 'native', {
    ...OPTIONS,
    memory: 4 * MIB,
    poison: false,
    entryAddress,
  });
  const machine = new Machine({ memory: 4 * MIB, engine });
  applyPlan(plan, machine);
  machine.attachSupervisor(
    attachTo(vmi, { entry: plan.entry, information: plan.information, guestMemory: 4 * MIB, revision: plan.revision }),
  );
  return machine;
}

function run(engine: EngineName): Ran {
  const program = compile(readFileSync(SOURCE, 'utf8'), MIB);
  const machine = machineFor(program, program.at('start'), engine);
  const stop = machine.run({ maxInstructions: 1_000_000 });
  return { machine, stop, seen: (index) => machine.memory.read32(program.at('seen') + index * 4) };
}

/** Indexes of the words of `struct seen`. */
const AT = { base: 0, checksum: 1, init: 2, readOnly: 3, relocations: 4, types: 78, rest: 152 } as const;
const REST = [
  ...['cr0', 'flagsBefore', 'flagsOff', 'flagsOn', 'gdtLow', 'gdtHigh', 'pte', 'page', 'idtLimit'],
  ...['cpuid0', 'cpuid1', 'cpuid2', 'cpuid3', 'interrupts', 'iopl', 'dr2'],
];

describe('VMI', function () {
  before(function () {
    requireTool(this, 'gcc');
  });

  for (const engine of ['translator', 'reference'] as const)
    it(`is found, activated and worked through by a guest that does what Linux does (${engine})`, () => {
      const { machine, stop, seen } = run(engine);
      assert.equal(stop.description, 'The guest asks VMI for a shutdown.');
      assert.equal(seen(AT.base), VMI_ROM_ADDRESS);
      assert.deepEqual([seen(AT.checksum), seen(AT.init), seen(AT.readOnly)], [0, 0, 1]);
      const rest = Object.fromEntries(REST.map((name, n) => [name, seen(AT.rest + n)]));
      assert.equal((rest['cr0'] ?? 0) & 1, 1);
      assert.equal((rest['flagsOn'] ?? 0) & 0x200, 0x200);
      assert.equal((rest['flagsOff'] ?? 0) & 0x200, 0);
      assert.deepEqual([rest['gdtLow'], rest['gdtHigh']], [0x1234ffff, 0x00cf9b56]);
      assert.deepEqual([rest['pte'], rest['page'], rest['idtLimit']], [0x5067, 0x1234, 64 * 8 - 1]);
      assert.deepEqual([rest['interrupts'], rest['iopl'], rest['dr2']], [1, 0x3000, 0xdead]);
      // Leaf 0: the vendor is in EBX, EDX, ECX.
      const vendor = Buffer.from(
        new Uint32Array([rest['cpuid1'] ?? 0, rest['cpuid3'] ?? 0, rest['cpuid2'] ?? 0]).buffer,
      ).toString();
      assert.match(vendor, /^[\x20-\x7e]{12}$/);
      assert.equal(machine.cpu.state.cpl, 0);
    });

  it('names every call in its record', () => {
    const { machine } = run('translator');
    const { counts, records } = machine.hypercalls;
    assert.equal(counts.get('Init'), 1);
    assert.ok((counts.get('GetRelocationInfo') ?? 0) >= 74);
    for (const name of ['IRET', 'EnableInterrupts', 'SetIDT', 'WriteIDTEntry', 'SetPxE', 'CPUID', 'Shutdown'])
      assert.ok(counts.has(name), name);
    const set = records.find(({ name }) => name === 'SetPxE');
    assert.deepEqual(
      set?.arguments.map(({ name, value }) => [name, name === 'entry' ? 0n : value]),
      [
        ['value', 0x5067n],
        ['entry', 0n],
        ['flags', 1n],
      ],
    );
    const asked = records.find(({ name, arguments: [call] }) => name === 'GetRelocationInfo' && call?.value === 33n);
    assert.equal(asked?.arguments[0]?.text, 'IRET');
  });

  it('gives a CALL for each call, a JMP for IRET and SYSEXIT, and nothing for what there is not', () => {
    const { seen } = run('translator');
    const calls = new Set(VMI_STUBS.map(({ call }) => call));
    for (let call = 0; call < 74; call++) {
      const expected = !calls.has(call) ? 0 : call === 33 || call === 34 ? 2 : 1;
      assert.equal(seen(AT.types + call), expected, `call ${call}`);
      const at = seen(AT.relocations + call);
      assert.equal(expected === 0 ? at === 0 : at > VMI_ROM_ADDRESS && at < VMI_ROM_ADDRESS + 4096, true);
    }
    const left = [...VMI_CALLS].filter(([number]) => !calls.has(number)).map(([, { name }]) => name);
    assert.deepEqual(left, [
      ...['APICWrite', 'APICRead', 'GetCycleFrequency', 'GetCycleCounter', 'SetAlarm', 'CancelAlarm'],
      ...['GetWallclockTime', 'WallclockUpdated'],
    ]);
  });

  it('has the machine code of its sources', function () {
    requireTool(this, 'ld');
    const source = VMI_STUBS.map(({ call, source: text }) => `stub_${call}:\n${text.split('; ').join('\n')}`).join(
      '\n',
    );
    const program = assemble(`${source}\nend:`, 0);
    for (const [n, stub] of VMI_STUBS.entries()) {
      const next = VMI_STUBS[n + 1];
      const end = program.at(next === undefined ? 'end' : `stub_${next.call}`);
      const assembled = program.bytes.subarray(program.at(`stub_${stub.call}`), end);
      assert.deepEqual([...codeOf(stub)], [...assembled], stub.name);
      assert.equal(stub.name, VMI_CALLS.get(stub.call)?.name);
    }
  });

  it('lays its headers out as gcc lays out those of vmi.h', function () {
    const source = `#include <stdio.h>
      #include <stddef.h>
      typedef unsigned char u8; typedef unsigned short u16; typedef unsigned u32;
      struct rom { u16 rom_signature; u8 rom_length; u8 rom_entry[4]; u8 rom_pad0; u32 vrom_signature; u8 api_version_min;
        u8 api_version_maj; u8 jump_slots; u8 reserved1; u32 virtual_top; u16 reserved2; u16 license_offs; u16 pci_header_offs;
        u16 pnp_header_offs; u32 rom_pad3; u8 reserved[96]; char vmi_init[8]; char get_reloc[8]; } __attribute__((packed));
      struct pci { char signature[4]; short vendor; short device; short vpdData; short size; char rev; char class; char subclass;
        char interface; short chunks; char rom_version_min; char rom_version_maj; char code_type; char last_rom; short reserved;
      } __attribute__((packed));
      struct pnp { char signature[4]; char revision; char size; short next; short res; long devID; unsigned short manufacturer_offset;
        unsigned short product_offset; } __attribute__((packed));
      #define P(s, f) printf("%u\\n", (unsigned)offsetof(struct s, f));
      int main(void) { ${Object.keys(VMI_ROM_HEADER)
        .map((name) => `P(rom, ${name})`)
        .join('')} printf("%u\\n", sizeof(struct rom));
        ${Object.keys(VMI_PCI_HEADER)
          .map((name) => `P(pci, ${name})`)
          .join('')} printf("%u\\n", sizeof(struct pci));
        ${Object.keys(VMI_PNP_HEADER)
          .map((name) => `P(pnp, ${name})`)
          .join('')} printf("%u\\n", sizeof(struct pnp)); return 0; }`;
    const offsets = Buffer.from(runHosted(source)).toString().trim().split('\n').map(Number);
    const ours = [
      ...[...Object.values(VMI_ROM_HEADER).map(([offset]) => offset), VMI_ROM_HEADER_SIZE],
      ...[...Object.values(VMI_PCI_HEADER).map(([offset]) => offset), VMI_PCI_HEADER_SIZE],
      ...[...Object.values(VMI_PNP_HEADER).map(([offset]) => offset), VMI_PNP_HEADER_SIZE],
    ];
    assert.deepEqual(ours, offsets);
  });

  it('fits a page, and ends with a checksum', () => {
    const { bytes, offsetOf } = buildVmiRom();
    assert.equal(
      bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0),
      0,
    );
    assert.equal(bytes[2], 8);
    assert.equal(offsetOf.size, VMI_STUBS.length);
  });

  it('is not asked by a VMCALL anywhere else', () => {
    const program = assemble('vmcall', MIB);
    const stop = machineFor(program, MIB).run({ maxInstructions: 10 });
    assert.equal(stop.reason, 'triple-fault');
    assert.equal(stop.chain?.[0]?.vector, 6);
  });

  it('survives every stub with any arguments', () => {
    const program = assemble('call edi\nhlt', MIB);
    const { offsetOf } = buildVmiRom();
    const random = new Random(0x7e11);
    const machine = machineFor(program, MIB, 'reference');
    const { state } = machine.cpu;
    const atEntry = machine.save();
    for (const offset of [VMI_ENTRY.init, VMI_ENTRY.getRelocation, ...offsetOf.values()])
      for (let round = 0; round < 4; round++) {
        machine.restore(atEntry);
        for (const register of ['eax', 'edx', 'ecx'] as const)
          state.setRegister32(REGISTER[register], random.oneIn(2) ? random.word() : random.below(80));
        state.setRegister32(REGISTER.esp, 2 * MIB);
        state.setRegister32(REGISTER.edi, VMI_ROM_ADDRESS + offset);
        machine.cpu.stateChanged();
        const { reason, description } = machine.run({ maxInstructions: 40 });
        assert.notEqual(reason, 'unimplemented', description);
        assert.ok(description.length > 0);
      }
  });

  it('cannot stand under a kernel that is entered at another level', () => {
    const program = assemble('nop', MIB);
    const machine = machineFor(program, MIB);
    const attach = attachTo(vmi, { entry: 'xen-pv', information: undefined, guestMemory: MIB });
    assert.throws(() => machine.attachSupervisor(attach), { code: 'hypervisor-entry' });
  });
});
