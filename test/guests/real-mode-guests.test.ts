import assert from 'node:assert/strict';
import { chooseEntry } from '../../src/boot/choose-entry.ts';
import { decodeInformation } from '../../src/boot/information.ts';
import type { InformationNode } from '../../src/boot/information-node.ts';
import { applyPlan } from '../../src/boot/load.ts';
import { Machine } from '../../src/machine/machine.ts';
import { debianGuest, debianLinux } from '../support/guests.ts';

const MIB = 0x100000;

function enter(bytes: Uint8Array, memory: number, cmdline = ''): Machine {
  const options = { memory, cmdline, bootLoaderName: '', modules: [], poison: true };
  const machine = new Machine({ memory });
  applyPlan(chooseEntry({ name: 'guest', bytes }, 'linux16', options), machine);
  return machine;
}

const lines = (machine: Machine): string[] =>
  machine
    .screen()
    .characters.map((line) => line.trimEnd())
    .filter((line) => line !== '');

/** Kernels that nobody here wrote, entered in real mode on the built-in BIOS. */
describe('real-mode guests of Debian', function () {
  this.timeout(180_000);

  it('lets the setup code of Linux find memory, set the screen and go to protected mode with its boot_params', function () {
    const { bytes } = debianLinux(this);
    const cmdline = 'console=ttyS0 nokaslr';
    const machine = enter(bytes, 64 * MIB, cmdline);
    // The 32-bit entry of the kernel's decompressor, where boot.rst has the setup code jump.
    machine.setBreakpoints([0x100000]);
    const { reason, description } = machine.run({ maxInstructions: 20_000_000 });
    assert.equal(reason, 'breakpoint', description);
    const { state } = machine.cpu;
    assert.equal(state.control(0) & 0x80000001, 1, 'PE and no PG');
    // __BOOT_CS and __BOOT_DS.
    assert.deepEqual(
      [1, 2, 3].map((index) => state.segment(index as 1 | 2 | 3).selector),
      [0x10, 0x18, 0x18],
    );
    assert.deepEqual(
      [3, 5, 7].map((register) => state.register32(register)),
      [0, 0, 0],
      'EBX EBP EDI',
    );
    assert.equal(state.eflags & 0x200, 0);
    assert.deepEqual(machine.faults, []);
    const address = state.register32(6);
    const information = { kind: 'boot_params', register: 'esi', address } as const;
    const node = decodeInformation((at, length) => machine.memory.read(at, length), information);
    const child = (of: InformationNode, name: string): InformationNode =>
      of.children?.find((one) => one.name === name) ?? assert.fail(name);
    const map = child(node, 'e820_table').children ?? [];
    const entry = (at: number): [number, number, number] => {
      const base = address + 0x2d0 + at * 20;
      return [0, 8, 16].map((offset) => machine.memory.read32(base + offset)) as [number, number, number];
    };
    // RAM up to the extended BIOS data area, that, the ROM, RAM from 1 MiB on.
    assert.equal(map.length, 4);
    assert.deepEqual([0, 1, 2, 3].map(entry), [
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [MIB, 63 * MIB, 1],
    ]);
    assert.match(child(child(node, 'hdr'), 'cmd_line_ptr').text, new RegExp(`"${cmdline}"`));
    const screen = child(node, 'screen_info');
    const value = (name: string): unknown => child(screen, name).value;
    const names = ['orig_video_mode', 'orig_video_cols', 'orig_video_lines', 'orig_video_isVGA', 'orig_video_points'];
    assert.deepEqual(names.map(value), [3, 80, 25, 1, 16]);
    assert.equal(value('ext_mem_k'), 63 * 1024);
  });

  it('brings memdisk to what it says in QEMU', function () {
    const machine = enter(debianGuest(this, 'memdisk').bytes, 128 * MIB);
    machine.run({ maxInstructions: 1_000_000 });
    assert.deepEqual(lines(machine), [
      'MEMDISK 6.04 20200816  Copyright 2001-2015 H. Peter Anvin et al',
      'MEMDISK: No ramdisk image specified!',
    ]);
  });

  it('brings memtest86+ through its own setup code to its screen', function () {
    const machine = enter(debianGuest(this, 'memtest').bytes, 8 * MIB);
    machine.run({ maxInstructions: 7_500_000 });
    assert.match(lines(machine).join('\n'), /^ +Memtest86\+ v6\.10[^]*Memory {2}: {4}8MB/);
    assert.deepEqual(machine.faults, []);
  });

  it('lets iPXE unpack itself by switching between real and protected mode, and probe its buses', function () {
    const machine = enter(debianGuest(this, 'ipxe').bytes, 128 * MIB);
    machine.run({ maxInstructions: 118_480_000 });
    assert.deepEqual(lines(machine), ['iPXE initialising devices...']);
    assert.deepEqual(machine.faults, []);
  });
});
