import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { MachineTarget } from '../../src/debugger/machine-target.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { SEGMENT } from '../../src/cpu/state.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { GUEST_BASE, assemble, machineWith } from '../machine/guest.ts';
import { requireTool } from '../support/tools.ts';

/** A GDT with 0x08 code, 0x10 data, 0x18 data that is not present, 0x20 read-only data, 0x28 a TSS, and a jump to reload CS. */
const WITH_TABLE = `
  lgdt [table]
  jmp 8:next
next:
  mov ax, 0x10
  mov ds, ax
  mov ss, ax
  mov esp, 0x180000
  hlt
align 8
gdt:
  dq 0
  dq 0x00cf9b000000ffff
  dq 0x00cf93000000ffff
  dq 0x00cf13000000ffff
  dq 0x00cf91000000ffff
  dq 0x0000890000000067
table:
  dw table - gdt - 1
  dd gdt`;

function targetOf(source: string): { readonly machine: Machine; readonly target: MachineTarget } {
  const machine = machineWith(assemble(source));
  return { machine, target: new MachineTarget(machine) };
}

function refusal(action: () => void): StartOfDayError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof StartOfDayError);
    return error;
  }
  throw new Error('it was accepted');
}

describe('the machine as a target', () => {
  before(function () {
    requireTool(this, 'nasm');
  });

  const value = (target: MachineTarget, name: string): number => Number(target.register(name)?.value);

  it('shows x87 registers and words', () => {
    const { target } = targetOf('fninit\nfldpi\nfchs');
    target.run({ maxInstructions: 3 });
    assert.deepEqual(target.x87Register(0), { signExponent: 0xc000, significand: 0xc90f_daa2_2168_c235n });
    assert.equal(target.x87Register(1), undefined);
    assert.deepEqual(
      ['fctrl', 'fstat', 'ftag'].map((name) => value(target, name)),
      [0x37f, 0x3800, 0x3fff],
    );
  });

  it('runs from where the user puts EIP, even out of HLT', () => {
    const { target } = targetOf('cli\nhlt\nmov eax, 7\nhlt');
    assert.equal(target.run({ maxInstructions: 10 }).reason, 'halt');
    assert.equal(target.run({ maxInstructions: 10 }).reason, 'halt');
    assert.equal(target.instructions, 2);
    target.setRegister('eip', BigInt(GUEST_BASE + 2));
    assert.equal(target.step(), undefined);
    assert.equal(value(target, 'eax'), 7);
    assert.equal(target.instructions, 3);
  });

  it('leaves the shadow of STI behind with EIP, but not with another register', () => {
    const { machine, target } = targetOf('mov esp, 0x180000\nsti\nnop\nnop');
    target.step();
    target.step();
    assert.equal(machine.cpu.state.interruptShadow, true);
    target.setRegister('eax', 1n);
    assert.equal(machine.cpu.state.interruptShadow, true);
    target.setRegister('eip', BigInt(GUEST_BASE + 6));
    assert.equal(machine.cpu.state.interruptShadow, false);
  });

  it('shows the memory of the VGA as the CPU would read it, beside RAM', () => {
    const { machine, target } = targetOf('hlt');
    machine.memory.write(0x9fffe, Uint8Array.of(0x12, 0x34));
    // The odd bytes come from plane 1: text mode with the window at 0xa0000.
    machine.bus.portWrite(0x3ce, 16, 0x0406);
    machine.bus.memoryWrite(0xa0000, 16, 0x5678);
    const before = machine.save().devices['VGA'];
    assert.deepEqual([...target.read('physical', 0x9fffen, 4)], [0x12, 0x34, 0x78, 0x56]);
    assert.deepEqual([...target.read('linear', 0xaffffn, 2)], [0x00, 0xff]);
    assert.deepEqual(machine.save().devices['VGA'], before);
    assert.equal(machine.unclaimed.length, 0);
  });

  it('writes to the memory of the VGA as the CPU would, and to nothing else of it', () => {
    const { machine, target } = targetOf('hlt');
    const port = (index: number, data: number, values: readonly number[]): void =>
      values.forEach((value, n) => machine.bus.portWrite(index, 16, ((value << 8) | (data + n)) & 0xffff));
    // Chain 4 at 0xa0000, as in mode 13h.
    port(0x3c4, 0, [0x03, 0x01, 0x0f, 0x00, 0x0e]);
    port(0x3ce, 0, [0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff]);
    machine.bus.memoryWrite(0xa0000, 32, 0x04030201);
    assert.equal(machine.bus.memoryRead(0xa0000, 8), 1);
    assert.equal(target.write('physical', 0x9fffen, Uint8Array.of(0x12, 0x34, 0x56, 0x78, 0x9a)), 5);
    assert.deepEqual([...target.read('linear', 0x9fffen, 6)], [0x12, 0x34, 0x56, 0x78, 0x9a, 0x04]);
    assert.equal(machine.bus.memoryRead(0xa0000, 32), 0x049a7856);
    // Planes 1 and 2 alone, as the map mask has it; then write mode 1, which stores the latches that no peek has filled.
    port(0x3c4, 2, [0x06]);
    port(0x3c4, 4, [0x06]);
    const latched = machine.bus.memoryRead(0xa0010, 8);
    target.write('physical', 0xa0000n, Uint8Array.of(0xff));
    port(0x3ce, 4, [0, 0x41]);
    target.write('physical', 0xa0004n, Uint8Array.of(0xff));
    const plane = (number: number): number[] => {
      port(0x3ce, 4, [number]);
      return [...target.read('physical', 0xa0000n, 5)].filter((_, n) => n === 0 || n === 4);
    };
    assert.deepEqual([0, 1, 2, 3].map(plane), [
      [0x56, 0],
      [0xff, latched],
      [0xff, latched],
      [0x04, 0],
    ]);
    // Where the registers open no window the write is lost, and is not counted as the guest's.
    target.write('physical', 0xb8000n, Uint8Array.of(0xee));
    assert.deepEqual([...target.read('physical', 0xb8000n, 1)], [0xff]);
    assert.deepEqual(machine.unclaimed, []);
  });

  it('writes to plain text memory', () => {
    const { machine, target } = targetOf('hlt');
    target.write('physical', 0xb8000n, Uint8Array.of(0x41, 0x07));
    assert.equal(machine.screen().characters[0]?.[0], 'A');
  });

  it('loads a segment register through the descriptor table', () => {
    const { machine, target } = targetOf(WITH_TABLE);
    target.run({ maxInstructions: 20 });
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss.selector'] as const) target.setRegister(name, 0x10n);
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) {
      const { selector, base, limit } = target.segment(name);
      assert.deepEqual({ selector, base, limit }, { selector: 0x10, base: 0, limit: 0xffffffff });
    }
    assert.equal(machine.cpu.state.interruptShadow, false);
    target.setRegister('fs', 0n);
    assert.deepEqual(target.segment('fs'), { selector: 0, base: 0, limit: 0, access: 0 });
  });

  it('refuses what the CPU would refuse, with the exception and its check, and changes nothing', () => {
    const { target } = targetOf(WITH_TABLE);
    target.run({ maxInstructions: 20 });
    const before = target.segment('ds');
    // Error codes: the selector without its RPL (SDM 3, 6.13); not present is #NP for data and #SS for a stack (SDM 2, MOV).
    const cases: [string, bigint, string, RegExp][] = [
      ['ds', 0x30n, 'DS cannot be 0x0030', /^The CPU would refuse it with #GP\(0x30\): .*limit/],
      ['ds', 0x18n, 'DS cannot be 0x0018', /^The CPU would refuse it with #NP\(0x18\): .*not present/],
      ['ds', 0x28n, 'DS cannot be 0x0028', /^The CPU would refuse it with #GP\(0x28\): .*needs data or readable code/],
      ['ss', 0n, 'SS cannot be 0x0000', /^The CPU would refuse it with #GP\(0\): .*null/],
      ['ss', 0x18n, 'SS cannot be 0x0018', /#SS\(0x18\)/],
      ['ss', 0x20n, 'SS cannot be 0x0020', /#GP\(0x20\): .*read-only/],
      ['ss', 0x13n, 'SS cannot be 0x0013', /#GP\(0x10\): .*RPL 3/],
      ['cr0', 0x80000000n, 'CR0 cannot be 0x80000000', /#GP\(0\): CR0 0x80000000 sets PG without PE/],
      ['cr0', 0x20000011n, 'CR0 cannot be 0x20000011', /#GP\(0\): CR0 0x20000011 sets NW without CD/],
      ['cr4', 0x800n, 'CR4 cannot be 0x00000800', /#GP\(0\): CR4 0x800 sets reserved bits 0x800 \(UMIP\)/],
    ];
    for (const [name, bits, title, detail] of cases) {
      const error = refusal(() => target.setRegister(name, bits));
      assert.equal(error.title, title);
      assert.match(error.detail ?? '', detail);
    }
    assert.deepEqual(target.segment('ds'), before);
    for (const name of ['cs', 'ldtr', 'tr', 'cs.selector']) {
      const error = refusal(() => target.setRegister(name, 8n));
      assert.equal(error.title, `${name.toUpperCase()} cannot be changed here`);
      assert.equal(error.mend, 'Let the guest load it: the CPU keeps more of it than its number.');
    }
  });

  it('sets control registers whatever the privilege level, as MOV does: ET stays 1', () => {
    const { machine, target } = targetOf(WITH_TABLE);
    machine.cpu.state.cpl = 3;
    target.setRegister('cr0', 0x10001n);
    assert.equal(value(target, 'cr0'), 0x10011);
    assert.equal(machine.cpu.state.cpl, 3);
    target.setRegister('cr3', 0x1000n);
    assert.equal(value(target, 'cr3'), 0x1000);
  });

  describe('callers', () => {
    const callers = (target: MachineTarget): number[] => target.callers().map(({ returnAddress }) => returnAddress);

    it('are gone after a longjmp', () => {
      const { target } = targetOf(`
        mov esp, 0x180000
        call outer
      back:
        hlt
      outer:
        mov ebx, esp
        call inner
        hlt
      inner:
        mov esp, ebx
        jmp landed
      landed:
        nop`);
      // mov, call, mov, call, then the two of the longjmp.
      for (let step = 0; step < 4; step++) target.step();
      assert.equal(target.callers().length, 2);
      for (let step = 0; step < 2; step++) target.step();
      assert.deepEqual(callers(target), [GUEST_BASE + 10]);
    });

    it('are gone when the stack begins anew, or something else lies in their place', () => {
      const { target } = targetOf(`
        mov esp, 0x180000
        call first
      first:
        mov dword [0x17fffc], 0x1234
        mov dword [0x17fffc], after
        mov esp, 0x190000
      after:
        nop`);
      for (let step = 0; step < 2; step++) target.step();
      assert.deepEqual(callers(target), [GUEST_BASE + 10]);
      target.step();
      assert.deepEqual(callers(target), []);
      target.step();
      target.step();
      assert.deepEqual(callers(target), []);
    });

    it('are those of real mode, whatever the upper half of ESP holds, each in its own code segment', () => {
      const { machine, target } = targetOf(`
        bits 16
        call first
      first:
        int 0x21`);
      const { cpu, memory } = machine;
      cpu.state.setControl(0, 0x10);
      cpu.state.setSegment(SEGMENT.cs, { selector: 0x1234, base: GUEST_BASE, limit: 0xffff, access: 0x9300 });
      cpu.state.setSegment(SEGMENT.ss, { selector: 0x3000, base: 0x30000, limit: 0xffff, access: 0x9300 });
      cpu.state.idtr = { base: 0, limit: 0x3ff };
      cpu.state.ip = 0;
      cpu.state.setRegister32(4, 0xabcd0100);
      memory.write(0x21 * 4, Uint8Array.of(0, 0, 0, 0x20));
      memory.write(0x20000, Uint8Array.of(0x90));
      cpu.stateChanged();
      const found = (): number[] => target.callers().map(({ codeBase, returnAddress }) => codeBase + returnAddress);
      target.step();
      assert.deepEqual(found(), [GUEST_BASE + 3]);
      target.run({ maxInstructions: 1 });
      assert.equal(target.segment('cs').base, 0x20000);
      assert.deepEqual(found(), [GUEST_BASE + 5, GUEST_BASE + 3]);
    });

    it('stay after a switch to a stack below', () => {
      const { target } = targetOf(`
        mov esp, 0x180000
        call first
      first:
        mov esp, 0x170000
        call second
      second:
        nop`);
      for (let step = 0; step < 4; step++) target.step();
      assert.deepEqual(callers(target), [GUEST_BASE + 20, GUEST_BASE + 10]);
    });
  });
});
