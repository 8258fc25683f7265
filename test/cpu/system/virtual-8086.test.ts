import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { deliverInterrupt } from '../../../src/cpu/system/interrupt-delivery.ts';
import { ENGINES } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';
import { BareCpu, SELECTOR, STACK0, TSS } from './bare-cpu.ts';
import { modeProgram, runInQemu, runProgram } from './mode-guest.ts';

/**
 * A monitor: `log` bytes of what trapped in the virtual-8086 task (vector, error code, opcode) from result 0 on, each trapping
 * instruction skipped by the length in `lengths`; UD2 in the task ends the program. RF is left
 * out of the flags: QEMU does not push it for faults, as the CPU does (SDM 3, 17.3.1.1).
 */
const monitor = (flags: number, setUp: string, task: string): string => `
  .macro store number, register
    mov dword ptr [results + \\number * 4], \\register
  .endm
  system_descriptor tss_descriptor, tss, 0xfff, 0x89
  mov dword ptr [tss + 4], offset stack - 0x400
  mov dword ptr [tss + 8], DATA
  mov word ptr [tss + 0x66], 0x88
  mov byte ptr [tss + 0x68 + 15], 0x80
  mov ax, TSS
  ltr ax
  gate 13, protection
  gate 6, finished
  gate 0x40, reflected, 0xee00
  gate 3, reflected, 0xee00
  gate 0, reflected
  mov edi, offset results
  ${setUp}
  push 0x1000
  push 0x1000
  push 0x1000
  push 0x1000
  push 0x1000
  push AT(real_stack)
  push ${flags}
  push 0x1000
  push AT(task)
  iret
protection:
  pop edx
  mov ss:[edi], edx
  movzx ebp, word ptr [esp + 4]
  shl ebp, 4
  add ebp, [esp]
  mov edx, ss:[ebp]
  and edx, 0xffff
  mov ss:[edi + 4], edx
  mov edx, [esp + 8]
  and edx, 0xfffeffff
  mov ss:[edi + 8], edx
  mov edx, ss:[edi + 4]
  add edi, 12
  cmp dl, 0xcd
  je 2f
  cmp dl, 0x66
  je 2f
  cmp dl, 0xe4
  je 2f
  dec dword ptr [esp]
2: add dword ptr [esp], 2
  iret
reflected:
  mov edx, [esp + 32]
  mov ss:[edi], edx
  mov edx, [esp + 8]
  and edx, 0xfffeffff
  mov ss:[edi + 4], edx
  mov edx, ds
  mov ss:[edi + 8], edx
  add edi, 12
  mov eax, 0x102
  cmp word ptr [esp], AT(divided)
  jne 3f
  add dword ptr [esp], 2
3: iret
finished:
  mov eax, DATA
  mov ds, eax
  mov edx, [esp + 8]
  and edx, 0xfffeffff
  mov [edi], edx
  pushfd
  pop dword ptr [edi + 4]
  jmp done
.code16
task:
  ${task}
  ud2
`;
const VM = 0x20002;
const EVERYTHING = `
  cli
  sti
  pushf
  popf
  pushfd
  popfd
  int 0x20
  iret
  nop
  hlt
  in al, 0x80
  in al, 7
  mov ax, 1
  int3
  mov bl, 0
divided: div bl
  mov cx, ds
  push cx
  pop es
  clc
  lds bx, [AT(somewhere)]
  mov cx, 0x1000
  mov ds, cx
  call 0x1000:AT(far_away)
  jmp over
somewhere: .word 1, 2
far_away: retf
over:
`;
const PROGRAMS: Readonly<Record<string, string>> = {
  'what traps below IOPL 3 (SDM 3, 20.2.7)': monitor(VM, '', EVERYTHING),
  'what does not at IOPL 3': monitor(
    VM | 0x3000,
    '',
    `
      cli
      sti
      pushf
      pop ax
      push 0x7202
      popf
      pushfd
      popfd
      int 0x40
      pushf
      push cs
      push AT(after)
      iret
    after:
      in al, 0x7f
      in al, 7
    divided: nop
    `,
  ),
};
const VME_SET_UP = `
  mov eax, cr4
  or eax, 1
  mov cr4, eax
  mov byte ptr [tss + 0x68 + 4], 2
  mov eax, AT(own_handler) + 0x10000000
  mov dword ptr [0x20 * 4], eax
`;
const vmeTask = (interrupt: string): string => `
  sti
  pushf
  pop ax
  mov [AT(results) + 240], ax
  ${interrupt}
  pushf
  pop ax
  mov [AT(results) + 242], ax
  cli
  pushf
  pop ax
  mov [AT(results) + 244], ax
  push 0x202
  popf
  pushf
  pop ax
  mov [AT(results) + 246], ax
  push 0x102
  popf
  pop ax
  pushfd
  jmp over
own_handler:
  mov bp, sp
  mov ax, [bp + 4]
  mov [AT(results) + 248], ax
  pushf
  pop ax
  mov [AT(results) + 250], ax
  iret
divided: nop
over:
`;
describe('virtual-8086 mode (SDM 3, 20.2 and 20.3)', () => {
  for (const [name, body] of Object.entries(PROGRAMS)) {
    const program = modeProgram(body);
    it(`as in QEMU: ${name}`, function () {
      requireTool(this, 'qemu-system-i386');
      requireTool(this, 'gdb');
      this.timeout(60_000);
      const expected = runInQemu(program);
      for (const engine of ENGINES) assert.deepEqual(runProgram(engine, program), expected, engine);
    });
  }
});

describe('virtual-8086 mode extensions, CR4.VME, which QEMU does not have (SDM 3, 20.3)', () => {
  const INTERRUPTS = 'int 0x20; int 0x21';
  for (const engine of ENGINES) {
    const run = (flags: number, task: string): number[] =>
      runProgram(engine, modeProgram(monitor(flags, VME_SET_UP, task)));

    it(`VIF stands in for IF below IOPL 3, and a clear bit of the bitmap redirects INT n (${engine})`, () => {
      const results = run(VM, vmeTask(INTERRUPTS));
      const [int21, popfTrap, pushfd] = [0x21cd, 0x589d, 0x9c66];
      const flags = 0xa0002;
      assert.deepEqual(results.slice(0, 9), [0, int21, flags, 0, popfTrap, flags, 0, pushfd, flags]);
      // PUSHF after STI, INT 0x20, CLI and POPF: VIF at the place of IF, and IOPL 3.
      assert.deepEqual(results.slice(60, 62), [0x32023202, 0x32023002]);
      // Inside the handler: the image that INT pushed, then VIF clear.
      assert.equal(results[62], 0x30023202);
    });

    it(`STI and POPF that would take a pending interrupt are #GP(0) (${engine})`, () => {
      const results = run(VM | 0x100000, vmeTask(''));
      const flags = 0x120002;
      const [sti, popf, popfTrap, pushfd] = [0x9cfb, 0x9c9d, 0x589d, 0x9c66];
      const traps = [sti, popf, popfTrap, pushfd].flatMap((opcode) => [0, opcode, flags]);
      assert.deepEqual(results.slice(0, 12), traps);
      assert.deepEqual(results.slice(60, 62), [0x30023002, 0x30023002]);
    });

    it(`at IOPL 3 IF is IF, and a set bit of the bitmap leads to the IDT (${engine})`, () => {
      const results = run(VM | 0x3000, vmeTask(INTERRUPTS).replace('push 0x102', 'push 0x3002'));
      assert.deepEqual(results.slice(0, 3), [0x10a, 0x21cd, 0x23202]);
      assert.deepEqual(results.slice(60, 62), [0x32023202, 0x32023002]);
      assert.equal(results[62], 0x30023202);
    });
  }
});

/** A virtual-8086 task at 0x100:0x10 with the stack 0x500:0x100, below IOPL 3. */
function task(): BareCpu {
  const cpu = new BareCpu();
  cpu.loadTask();
  const { state } = cpu;
  state.eflags = 0x20202;
  state.cpl = 3;
  for (const [index, selector] of [0x700, 0x100, 0x500, 0x200, 0x300, 0x400].entries())
    state.setSegment(index as 0, { selector, base: selector << 4, limit: 0xffff, access: 0xf300 });
  state.setRegister32(4, 0x100);
  state.ip = 0x10;
  cpu.events.length = 0;
  return cpu;
}

describe('interrupts out of virtual-8086 mode (SDM 2, INT n; SDM 3, 20.3.1)', () => {
  it('push every segment on the stack of CPL 0 and clear the data segments', () => {
    const cpu = task();
    cpu.gate(0x20, SELECTOR.code0, 0x6000, 0x8e00);
    deliverInterrupt(cpu, 0x20, { kind: 'external', returnIp: 0x10 });
    assert.deepEqual(cpu.stack(STACK0 - 36, 9), [0x10, 0x100, 0x20202, 0x100, 0x500, 0x700, 0x200, 0x300, 0x400]);
    assert.equal(cpu.esp, STACK0 - 36);
    assert.equal(cpu.state.eflags, 2);
    assert.equal(cpu.state.cpl, 0);
    for (const index of [SEGMENT.es, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs])
      assert.deepEqual(cpu.state.segment(index), { selector: 0, base: 0, limit: 0, access: 0 });
    cpu.run('interrupt-return');
    assert.equal(cpu.state.eflags, 0x20202);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.state.segment(SEGMENT.gs).base, 0x4000);
    assert.deepEqual(cpu.state.segment(SEGMENT.cs), { selector: 0x100, base: 0x1000, limit: 0xffff, access: 0xf300 });
  });

  it('push words through a 16-bit gate', () => {
    const cpu = task();
    cpu.gate(13, SELECTOR.code0, 0x6000, 0x8600);
    deliverInterrupt(cpu, 13, { kind: 'exception', returnIp: 0x10, errorCode: 0 });
    assert.deepEqual(cpu.stack(cpu.esp, 10, 16), [0, 0x10, 0x100, 0x202, 0x100, 0x500, 0x700, 0x200, 0x300, 0x400]);
  });

  it('raise #GP with the code selector for a handler that is conforming, or not of DPL 0', () => {
    const cpu = task();
    cpu.gate(0x20, SELECTOR.conforming, 0x6000, 0x8e00);
    const refused = (): number | undefined =>
      cpu.refusal(() => deliverInterrupt(cpu, 0x20, { kind: 'external', returnIp: 0 })).errorCode;
    assert.equal(refused(), SELECTOR.conforming | 1);
    cpu.gate(0x20, SELECTOR.code3, 0x6000, 0x8e00);
    assert.equal(refused(), (SELECTOR.code3 & ~3) | 1);
  });

  it('INT n below IOPL 3 is #GP(0), and so is a redirection bitmap outside the TSS', () => {
    const cpu = task();
    cpu.instruction.operandSize = 16;
    cpu.gate(0x20, SELECTOR.code0, 0x6000, 0xee00);
    const needs = 'INT 0x20 in virtual-8086 mode needs IOPL 3; IOPL is 0';
    cpu.refuses('software-interrupt', [0x20, 1], 13, 0, needs);
    cpu.state.setControl(4, 1);
    cpu.writeWords(TSS + 0x64, [0x00100000]);
    const outside = 'redirection bitmap byte -12 is outside the TSS, whose limit is 0x67';
    cpu.refuses('software-interrupt', [0x20, 1], 13, 0, `INT 0x20: ${outside}`);
    cpu.run('software-interrupt', 0x20);
    assert.equal(cpu.state.cpl, 0, 'INT3 and INTO are not asked for IOPL 3');
  });

  it('IRET to an offset past 64 KiB is #GP(0) before anything is loaded', () => {
    const cpu = new BareCpu();
    cpu.writeWords(cpu.esp, [0x10000, 0x100, 0x20202, 0x100, 0x500, 0, 0, 0, 0]);
    const reason = 'IRET to virtual-8086 offset 0x10000, past the segment limit 0xffff';
    cpu.refuses('interrupt-return', [], 13, 0, reason);
  });
});

describe('virtual interrupts in protected mode: CR4.PVI (SDM 3, 20.4)', () => {
  it('CLI and STI change VIF at CPL 3 below IOPL 3; STI with VIP is #GP(0)', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.refuses('sti', [], 13, 0, 'STI needs CPL at most IOPL 0; CPL is 3');
    cpu.state.setControl(4, 2);
    cpu.run('sti');
    assert.equal(cpu.state.eflags, 0x80202);
    cpu.run('cli');
    assert.equal(cpu.state.eflags, 0x202);
    cpu.state.eflags = 0x100202;
    cpu.refuses('sti', [], 13, 0, 'STI sets VIF while a virtual interrupt is pending (EFLAGS.VIP)');
  });
});
