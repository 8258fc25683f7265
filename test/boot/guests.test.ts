import assert from 'node:assert/strict';
import { chooseEntry } from '../../src/boot/choose-entry.ts';
import { applyPlan } from '../../src/boot/load.ts';
import { acpiRootPointer } from '../../src/machine/firmware/acpi-tables.ts';
import { Machine } from '../../src/machine/machine.ts';
import { debianGuest } from '../support/guests.ts';
import { region } from './expect.ts';
import { MIB, OPTIONS } from './kernels.ts';

/** Kernels that others wrote; the numbers are what readelf and QEMU 7.2 say of them. */
describe('Guests', () => {
  it('plans invaders by the addresses of its header', function () {
    const plan = chooseEntry(debianGuest(this, 'invaders'), 'auto', { ...OPTIONS, memory: 128 * MIB });
    assert.equal(
      plan.chosen,
      'Chose multiboot because invaders.exec has a Multiboot 1 header at file offset 0x84. This image offers nothing else.',
    );
    const kernel = region(plan, 'kernel image');
    assert.equal(kernel.address, 0x100000);
    assert.equal(kernel.bytes.length, 0x19d8);
    assert.equal(kernel.size, 0x5b50);
    assert.equal(plan.state.eip, 0x100024);
    assert.equal(plan.state.registers.eax, 0x2badb002);
    assert.equal(plan.state.registers.ebx, 0x9500);
    assert.equal(plan.state.cr0, 0x11);
    // The header is at header_addr.
    assert.equal(Buffer.from(kernel.bytes).readUInt32LE(4), 0x1badb002);
  });

  it('plans GNU Mach by physical address, its virtual entry translated', function () {
    const plan = chooseEntry(debianGuest(this, 'gnumach'), 'auto', { ...OPTIONS, memory: 128 * MIB });
    assert.equal(
      plan.chosen,
      'Chose multiboot because gnumach-1.8-486-dbg has a Multiboot 1 header at file offset 0x1004. This image offers nothing else.',
    );
    assert.equal(plan.state.eip, 0x1000000);
    assert.equal(plan.physicalBias, 0xc0000000);
    assert.deepEqual(
      plan.regions
        .filter(({ name }) => name.startsWith('kernel '))
        .map(({ address, bytes, size }) => [address, bytes.length, size]),
      [
        [0x1000000, 0x10ee0c, 0x10ee0c],
        [0x1110000, 0xcc51, 0x37150],
      ],
    );
  });

  for (const entry of ['multiboot', 'multiboot2'])
    it(`takes Xen 4.17 by ${entry} to its own message that the CPU is not a 64-bit one`, function () {
      const xen = debianGuest(this, 'xen');
      const options = { ...OPTIONS, memory: 128 * MIB, cmdline: 'com1=115200,8n1 console=com1' };
      const machine = new Machine({ memory: 128 * MIB });
      applyPlan(chooseEntry(xen, entry, { ...options, rootPointer: acpiRootPointer(true) }), machine);
      let serial = '';
      machine.devices.serial.onTransmit.on((byte) => (serial += String.fromCharCode(byte)));
      const stop = machine.run({ maxInstructions: 10_000_000 });
      assert.equal(serial, 'ERR: Not a 64-bit CPU!');
      assert.equal(stop.reason, 'halt');
    });

  it('moves Xen to the top of memory, as its relocatable tag prefers', function () {
    const plan = chooseEntry(debianGuest(this, 'xen'), 'auto', { ...OPTIONS, memory: 128 * MIB });
    assert.equal(plan.entry, 'multiboot2');
    // 0x3c8000 bytes below 128 MiB, at a multiple of 2 MiB; e_entry is the first byte.
    assert.equal(plan.state.eip, 0x7c00000);
    assert.match(plan.chosen, /It also offers multiboot\. Loaded at physical 0x07c00000 instead of 0x00200000/);
  });

  it('refuses GNU Mach where it does not fit', function () {
    const guest = debianGuest(this, 'gnumach');
    assert.throws(() => chooseEntry(guest, 'auto', { ...OPTIONS, memory: 16 * MIB }), {
      title: 'The kernel does not fit in 16 MiB',
      mend: 'Set "memory": "32M" or more.',
    });
  });
});
