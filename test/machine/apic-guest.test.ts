import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from './guest.ts';

const UNLIMITED = { maxInstructions: 10_000_000 };

/** Halts until the handler of vector 0x31 has counted to 5, then exits with that; the handler keeps the time stamps. */
const COUNT = `
  xor ecx, ecx
again:
  sti
  hlt
  cmp ecx, 5
  jb again
  mov al, cl
  out 0xf4, al
  hlt
handler:
  inc ecx
  rdtsc
  mov [0x120000 + ecx * 4], eax
  mov dword [0xfee000b0], 0
  iret
`;

for (const engine of ['interpreter', 'reference'] satisfies EngineName[])
  describe(`guests of the APICs (${engine})`, () => {
    before(function () {
      requireTool(this, 'nasm');
    });

    const run = (source: string) => {
      const machine = machineWith(assemble(`${MACROS}\nstart:\n  setup\n  gate 0x31, handler\n${source}\n${COUNT}`), {
        engine,
      });
      const stop = machine.run(UNLIMITED);
      const ticks = [1, 2, 3, 4, 5].map((index) => machine.memory.read32(0x120000 + index * 4));
      return { machine, stop, apart: ticks.slice(1).map((tick, index) => tick - (ticks[index] ?? 0)) };
    };

    it('the local APIC timer wakes HLT every 1000 counts of 16 ticks', () => {
      const { stop, apart } = run(`
  remap 0xff, 0xff
  mov dword [0xfee003e0], 3
  mov dword [0xfee00320], 0x20031
  mov dword [0xfee00380], 1000`);
      assert.equal(stop.exitCode, 11);
      assert.deepEqual(apart, [16_000, 16_000, 16_000, 16_000]);
    });

    it('a one-shot of a quarter of a second wakes HLT too', () => {
      const machine = machineWith(
        assemble(`${MACROS}
start:
  setup
  gate 0x31, handler
  remap 0xff, 0xff
  mov dword [0xfee003e0], 0xb
  mov dword [0xfee00320], 0x31
  mov dword [0xfee00380], 25000000
  sti
  hlt
handler:
  mov al, 1
  out 0xf4, al
  hlt`),
        { engine },
      );
      assert.equal(machine.run(UNLIMITED).reason, 'debug-exit');
      assert.ok(machine.ticks > 25_000_000 && machine.ticks < 25_001_000);
    });

    it('the I/O APIC brings the 8254 through pin 2 with the 8259 masked', () => {
      const { stop, apart, machine } = run(`
  remap 0xff, 0xff
  mov dword [0xfec00000], 0x14
  mov dword [0xfec00010], 0x31
  outb 0x43, 0x34
  outb 0x40, 0x9c
  outb 0x40, 0x2e`);
      assert.equal(stop.exitCode, 11);
      // 11932 cycles of 1.193182 MHz are 10.0001 ms.
      for (const ticks of apart) assert.ok(Math.abs(ticks - 1_000_015) <= 1, ticks.toString());
      assert.deepEqual(machine.unclaimed, []);
    });

    // HPET 1.0a, 2.3.9.2.2: the first comparison by VAL_SET, then the period.
    const HPET_PERIODIC = `
  mov dword [0xfed00108], 30000
  mov dword [0xfed00108], 20000`;
    it('the I/O APIC brings comparator 0 of the HPET, periodic, through pin 2', () => {
      const { stop, apart, machine } = run(`
  remap 0xff, 0xff
  mov dword [0xfec00000], 0x14
  mov dword [0xfec00010], 0x31
  mov dword [0xfed00010], 0
  mov dword [0xfed000f0], 0
  mov dword [0xfed000f4], 0
  mov dword [0xfed00100], 0x54c
  ${HPET_PERIODIC}
  mov dword [0xfed00010], 1`);
      assert.equal(stop.exitCode, 11);
      assert.deepEqual(apart, [20_000, 20_000, 20_000, 20_000]);
      assert.deepEqual(machine.unclaimed, []);
    });

    it('the HPET in the place of the 8254: legacy replacement, whatever its route says', () => {
      const { stop, apart } = run(`
  remap 0xff, 0xff
  outb 0x43, 0x34
  outb 0x40, 0x10
  outb 0x40, 0x00
  mov dword [0xfec00000], 0x14
  mov dword [0xfec00010], 0x31
  mov dword [0xfed00100], 0x14c
  ${HPET_PERIODIC}
  mov dword [0xfed00010], 3`);
      assert.equal(stop.exitCode, 11);
      assert.deepEqual(apart, [20_000, 20_000, 20_000, 20_000]);
    });

    // Nobody acknowledges the 8259: its INT falls and rises with the output of the 8254.
    it('LINT0 in fixed mode brings the 8259 as a vector of the local APIC', () => {
      const { stop, apart } = run(`
  remap 0xfe, 0xff
  mov dword [0xfee00350], 0x31
  outb 0x43, 0x34
  outb 0x40, 0x9c
  outb 0x40, 0x2e`);
      assert.equal(stop.exitCode, 11);
      for (const ticks of apart) assert.ok(Math.abs(ticks - 1_000_015) <= 1, ticks.toString());
    });

    it('an interrupt sent to itself arrives at once, before the next instruction', () => {
      const machine = machineWith(
        assemble(`${MACROS}
start:
  setup
  gate 0x31, handler
  remap 0xff, 0xff
  xor ecx, ecx
  sti
  nop
  mov dword [0xfee00300], 0x40031
  mov al, cl
  out 0xf4, al
  hlt
handler:
  inc ecx
  mov dword [0xfee000b0], 0
  iret`),
        { engine },
      );
      assert.equal(machine.run(UNLIMITED).exitCode, 3);
    });

    it('with LINT0 masked the 8259 reaches nobody', () => {
      const { stop } = run(`
  remap 0xfe, 0xff
  mov dword [0xfee00350], 0x10700`);
      assert.equal(stop.reason, 'halt');
    });

    const plain = (source: string) => {
      const machine = machineWith(assemble(`${MACROS}\nstart:\n  setup\n${source}`), { engine });
      return { machine, stop: machine.run(UNLIMITED) };
    };

    // SDM 3, 6.7.1: not held off by IF, and no second one before IRET.
    it('NMI: sent to itself with interrupts off; another waits for IRET', () => {
      const { stop, machine } = plain(`
  gate 0x02, nmi
  xor ecx, ecx
  mov dword [0xfee00300], 0x40400
  mov al, cl
  out 0xf4, al
  hlt
nmi:
  inc ecx
  cmp ecx, 1
  jne second
  mov dword [0xfee00300], 0x40400
  mov [0x120000], ecx
second:
  iret`);
      assert.equal(stop.exitCode, 5);
      assert.equal(machine.memory.read32(0x120000), 1);
    });

    it('NMI: the 8254 through the I/O APIC, as a watchdog', () => {
      const { stop } = plain(`
  gate 0x02, nmi
  mov dword [0xfec00000], 0x14
  mov dword [0xfec00010], 0x400
  outb 0x43, 0x34
  outb 0x40, 0x00
  outb 0x40, 0x01
  jmp $
nmi:
  outb 0xf4, 3
  hlt`);
      assert.equal(stop.exitCode, 7);
    });

    // SDM 3A, 10.4.5; as the apic test of kvm-unit-tests does.
    it('IA32_APIC_BASE: moved, it answers there with what it had, and its timer interrupts', () => {
      const { stop, machine } = plain(`
  gate 0x31, timer
  remap 0xff, 0xff
  mov dword [0xfee00080], 0x10
  mov ecx, 0x1b
  rdmsr
  mov eax, 0xfed40900
  wrmsr
  mov eax, [0xfed40030]
  mov [0x120000], eax
  mov eax, [0xfed40080]
  mov [0x120004], eax
  mov eax, [0xfee00030]
  mov [0x120008], eax
  mov dword [0xfed40320], 0x31
  mov dword [0xfed40380], 100
  sti
  hlt
timer:
  mov dword [0xfed400b0], 0
  rdmsr
  mov [0x12000c], eax
  mov eax, 0x001ff900
  wrmsr
  mov eax, [0x1ff030]
  mov [0x120010], eax
  outb 0xf4, 0
  hlt`);
      assert.equal(stop.reason, 'debug-exit');
      const words = [0, 1, 2, 3, 4].map((index) => machine.memory.read32(0x120000 + index * 4));
      assert.deepEqual(words, [0x00050014, 0x10, 0xffffffff, 0xfed40900, 0]);
      assert.deepEqual(
        machine.unclaimed.map(({ description }) => description),
        [
          'read of 32 bits at phys:0xfee00030',
          'local APIC moved to 0x001ff000, where something else is: it answers at 0xfed40000',
        ],
      );
      const other = machineWith(Uint8Array.of(0xf4), { engine });
      other.restore(machine.save());
      assert.equal(other.bus.memoryRead(0xfed40080, 32), 0x10);
      assert.equal(other.bus.memoryRead(0xfee00080, 32), 0xffffffff);
      other.restore(machineWith(Uint8Array.of(0xf4)).save());
      assert.equal(other.bus.memoryRead(0xfee00030, 32), 0x00050014);
    });

    // SDM 3, 10.4.3.
    it('IA32_APIC_BASE: off, CPUID says so, the page is empty and the 8259 drives the CPU; on again it is reset', () => {
      const { stop, machine } = plain(`
  gate 0x20, timer
  remap 0xfe, 0xff
  mov eax, 1
  cpuid
  mov [0x120000], edx
  mov ecx, 0x1b
  rdmsr
  mov [0x120004], eax
  and eax, ~0x800
  wrmsr
  mov eax, 1
  cpuid
  mov [0x120008], edx
  mov eax, [0xfee00030]
  mov [0x12000c], eax
  outb 0x43, 0x34
  outb 0x40, 0x9c
  outb 0x40, 0x2e
  sti
  hlt
  mov ecx, 0x1b
  rdmsr
  or eax, 0x800
  wrmsr
  mov eax, [0xfee000f0]
  mov [0x120010], eax
  outb 0xf4, 0
  hlt
timer:
  outb 0x20, 0x20
  iret`);
      assert.equal(stop.reason, 'debug-exit');
      const words = [0, 1, 2, 3, 4].map((index) => machine.memory.read32(0x120000 + index * 4));
      assert.equal((words[0] ?? 0) & 0x200, 0x200);
      assert.equal(words[1], 0xfee00900);
      assert.equal((words[2] ?? 0) & 0x200, 0);
      assert.equal(words[3], 0xffffffff);
      assert.equal(words[4], 0xff);
    });
  });
