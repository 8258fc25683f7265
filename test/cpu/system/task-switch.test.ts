import assert from 'node:assert/strict';
import { NewTaskFault } from '../../../src/cpu/fault.ts';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { raiseException } from '../../../src/cpu/system/exception.ts';
import { deliverInterrupt } from '../../../src/cpu/system/interrupt-delivery.ts';
import { ENGINES } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';
import { BareCpu, GDT, SELECTOR, STACK, TSS } from './bare-cpu.ts';
import { modeProgram, runInQemu, runProgram } from './mode-guest.ts';

/** Two tasks; `start_task` says where the second one begins. */
const TWO_TASKS = `
  system_descriptor tss_descriptor, tss, 0x67, 0x89
  system_descriptor second_tss, tss2, 0x67, 0x89
  mov dword ptr [task_gate], TSS2 << 16
  mov dword ptr [task_gate + 4], 0x8500
  mov ax, TSS
  ltr ax
  .macro store number, register
    mov dword ptr [results + \\number * 4], \\register
  .endm
  .macro start_task at, flags = 2
    mov dword ptr [tss2 + 0x20], offset \\at
    mov dword ptr [tss2 + 0x24], \\flags
    mov dword ptr [tss2 + 0x28], 0x20202020
    mov dword ptr [tss2 + 0x38], offset memory + 0x100
    mov dword ptr [tss2 + 0x48], DATA
    mov dword ptr [tss2 + 0x4c], CODE
    mov dword ptr [tss2 + 0x50], DATA
    mov dword ptr [tss2 + 0x54], DATA
    mov dword ptr [tss2 + 0x58], DATA
    mov dword ptr [tss2 + 0x5c], DATA
  .endm
  .macro busy number
    movzx eax, byte ptr [tss_descriptor + 5]
    mov ah, byte ptr [second_tss + 5]
    store \\number, eax
  .endm
`;

const PROGRAMS: Readonly<Record<string, string>> = {
  'CALL, IRET, INT and exceptions through task gates, and JMP': `
    ${TWO_TASKS}
    start_task first
    mov ebx, 0x1111
    stc
    lcall TSS2, 0
  returned:
    store 0, ebx
    pushfd
    pop dword ptr [results + 4]
    busy 2
    mov eax, [tss2 + 0x24]
    store 3, eax
    mov eax, cr0
    store 4, eax
    clts
    mov dword ptr [idt + 0x30 * 8], TSS2 << 16
    mov dword ptr [idt + 0x30 * 8 + 4], 0x8500
    mov dword ptr [idt + 13 * 8], TSS2 << 16
    mov dword ptr [idt + 13 * 8 + 4], 0x8500
    mov dword ptr [idt + 0 * 8], TSS2 << 16
    mov dword ptr [idt + 0 * 8 + 4], 0x8500
    sti
    int 0x30
    cli
    store 5, esp
    mov eax, 0x1234
  faulting:
    mov fs, eax
  after:
    store 6, eax
    xor ecx, ecx
  dividing:
    div ecx
    store 7, ecx
    start_task jumped, 0x202
    ljmp TASK_GATE, 0
  jumped_back:
    busy 8
    pushfd
    pop dword ptr [results + 9 * 4]
    str eax
    store 10, eax
    jmp done

  first:
    pushfd
    pop dword ptr [results + 20 * 4]
    movzx ecx, word ptr [tss2]
    store 21, ecx
    store 22, eax
    store 23, esp
    busy 24
    str eax
    store 25, eax
    mov eax, [tss + 0x20]
    sub eax, offset returned
    store 26, eax
    mov eax, [tss + 0x24]
    store 27, eax
    mov eax, [tss + 0x34]
    store 28, eax
    mov eax, [tss + 0x48]
    store 29, eax
    mov eax, [tss + 0x4c]
    store 30, eax
    iret
    pushfd
    pop dword ptr [results + 31 * 4]
    store 32, esp
    mov eax, [tss + 0x24]
    store 33, eax
    iret
    pop eax
    store 34, eax
    store 35, esp
    mov eax, [tss + 0x20]
    sub eax, offset faulting
    store 36, eax
    mov dword ptr [tss + 0x20], offset after
    iret
    store 37, esp
    mov dword ptr [tss + 0x2c], 3
    mov dword ptr [tss + 0x28], 3
    mov dword ptr [tss + 0x30], 0
    iret

  jumped:
    busy 40
    pushfd
    pop dword ptr [results + 41 * 4]
    str eax
    store 42, eax
    ljmp TSS, 0
  `,
  'a nested task, and the stack of the TSS after a switch': `
    ${TWO_TASKS}
    system_descriptor spare, ldt, 0x2b, 0x81
    mov word ptr [ldt + 0x0e], AT(narrow)
    mov word ptr [ldt + 0x10], 0x0ed7
    mov word ptr [ldt + 0x12], 0x1111
    mov word ptr [ldt + 0x1a], AT(real_stack)
    mov word ptr [ldt + 0x22], DATA16
    mov word ptr [ldt + 0x24], CODE16
    mov word ptr [ldt + 0x26], DATA16
    mov word ptr [ldt + 0x28], DATA16
    start_task middle
    mov eax, 0x12345678
    lcall TSS2, 0
    store 0, eax
    busy 1
    jmp done
  middle:
    mov esi, 0xabcdef01
    lcall SPARE, 0
    store 2, esi
    movzx eax, word ptr [ldt]
    store 3, eax
    movzx eax, word ptr [ldt + 0x12]
    store 4, eax
    movzx eax, byte ptr [spare + 5]
    store 5, eax
    movzx eax, word ptr [ldt + 0x10]
    store 6, eax
    iret
  .code16
  narrow:
    mov word ptr [AT(results) + 20 * 4], ax
    pushf
    pop word ptr [AT(results) + 21 * 4]
    mov word ptr [AT(results) + 22 * 4], sp
    mov ax, fs
    mov word ptr [AT(results) + 23 * 4], ax
    str word ptr [AT(results) + 24 * 4]
    mov ax, 0x7777
    clc
    iret
  `,
};

describe('hardware task switches (SDM 3, 7.3)', () => {
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

/** Selector, linear address and limit of the second TSS of {@link twoTasks}. */
const TASK = 0x80;
const TSS2 = 0x4000;

/** A running task, and one that would start at 0x7000 in flat segments of CPL 0. */
function twoTasks(): BareCpu {
  const cpu = new BareCpu();
  cpu.loadTask();
  cpu.writeWords(GDT + SELECTOR.tss + 4, [0x8b00]);
  cpu.state.gdtr = { base: GDT, limit: 0x87 };
  cpu.writeWords(GDT + TASK, [(TSS2 << 16) | 0x67, 0x8900]);
  const { data0, code0 } = SELECTOR;
  cpu.writeWords(TSS2 + 0x20, [0x7000, 2, 1, 2, 3, 4, 0xa000, 6, 7, 8, data0, code0, data0, data0, data0, data0, 0, 0]);
  cpu.events.length = 0;
  return cpu;
}
const descriptor = (cpu: BareCpu, low: number, high: number): void => cpu.writeWords(GDT + TASK, [low, high]);

describe('checks before a task switch: the old task is as it was (SDM 3, table 7-1, 1 to 5)', () => {
  it('JMP and CALL: #GP for privilege, busy and the LDT, #NP, #TS for the limit', () => {
    const cpu = twoTasks();
    for (const name of ['far-jump', 'far-call']) {
      cpu.refuses(
        name,
        [SELECTOR.tss, 0],
        13,
        0x28,
        'TSS selector 0x28 is busy 32-bit TSS; an available TSS is needed',
      );
      const privileged = 'CS selector 0x83 is a TSS with DPL 0, more privileged than RPL 3';
      cpu.refuses(name, [TASK | 3, 0], 13, 0x80, privileged);
      descriptor(cpu, (TSS2 << 16) | 0x67, 0x0900);
      cpu.refuses(name, [TASK, 0], 11, 0x80, 'TSS selector 0x80 is not present');
      descriptor(cpu, (TSS2 << 16) | 0x66, 0x8900);
      cpu.refuses(name, [TASK, 0], 10, 0x80, 'TSS selector 0x80 has limit 0x66; its TSS needs 0x67');
      descriptor(cpu, (TSS2 << 16) | 0x2a, 0x8100);
      cpu.refuses(name, [TASK, 0], 10, 0x80, 'TSS selector 0x80 has limit 0x2a; its TSS needs 0x2b');
      descriptor(cpu, TASK << 16, 0x0500);
      cpu.refuses(name, [TASK, 0], 11, 0x80, 'CS selector 0x80 is a task gate that is not present');
      descriptor(cpu, TASK << 16, 0x8500);
      cpu.refuses(name, [TASK, 0], 13, 0x80, 'task gate: TSS selector 0x80 is task gate; an available TSS is needed');
      descriptor(cpu, 0x84 << 16, 0x8500);
      cpu.refuses(name, [TASK, 0], 13, 0x84, 'task gate: TSS selector 0x84 is in the LDT; a TSS is in the GDT');
      descriptor(cpu, (TSS2 << 16) | 0x67, 0x8900);
    }
  });

  it('IRET with NT: #TS for a back link to what is no busy TSS, then #NP', () => {
    const cpu = twoTasks();
    cpu.state.eflags = 0x4002;
    cpu.writeWords(TSS, [0]);
    cpu.refuses(
      'interrupt-return',
      [],
      10,
      0,
      'back link: TSS selector 0x0 is reserved type 0x0; a busy TSS is needed',
    );
    cpu.writeWords(TSS, [0x84]);
    cpu.refuses('interrupt-return', [], 10, 0x84, 'back link: TSS selector 0x84 is in the LDT; a TSS is in the GDT');
    cpu.writeWords(TSS, [TASK]);
    const available = 'back link: TSS selector 0x80 is available 32-bit TSS; a busy TSS is needed';
    cpu.refuses('interrupt-return', [], 10, 0x80, available);
    descriptor(cpu, (TSS2 << 16) | 0x67, 0x0b00);
    cpu.refuses('interrupt-return', [], 11, 0x80, 'back link: TSS selector 0x80 is not present');
  });

  it('a task gate in the IDT: #GP for DPL, then for the TSS with EXT', () => {
    const cpu = twoTasks();
    cpu.gate(8, SELECTOR.tss, 0, 0x8500);
    const fault = cpu.refusal(() => deliverInterrupt(cpu, 8, { kind: 'external', returnIp: 0 }));
    assert.deepEqual([fault.vector, fault.errorCode], [13, 0x29]);
    const software = cpu.refusal(() => deliverInterrupt(cpu, 8, { kind: 'software', returnIp: 0 }));
    assert.deepEqual([software.vector, software.errorCode], [13, 0x28]);
    cpu.gate(8, TASK, 0, 0x0500);
    assert.equal(cpu.refusal(() => deliverInterrupt(cpu, 8, { kind: 'external', returnIp: 0 })).errorCode, 0x43);
  });

  it('#PF while either TSS cannot be reached', () => {
    const cpu = twoTasks();
    for (const page of [TSS >>> 12, TSS2 >>> 12]) {
      cpu.missingPage = page;
      assert.equal(cpu.refusal(() => cpu.run('far-call', TASK, 0)).vector, 14);
    }
    cpu.missingPage = -1;
    cpu.readOnlyPage = TSS >>> 12;
    assert.equal(cpu.refusal(() => cpu.run('far-jump', TASK, 0)).vector, 14);
  });
});

describe('checks of the new task, which then belong to it (SDM 3, table 7-1, 7 to 19)', () => {
  const FIELD = { es: 0x48, cs: 0x4c, ss: 0x50, ds: 0x54, fs: 0x58, gs: 0x5c, ldt: 0x60 } as const;
  const { data0, data3, absentData, absentCode, executeOnly, readOnly, ldt, code0 } = SELECTOR;
  const cases: readonly (readonly [string, keyof typeof FIELD, number, number, number])[] = [
    ['7: an LDT selector that is none', 'ldt', data0, 10, data0],
    ['7: an LDT in the LDT', 'ldt', 0x0c, 10, 0x0c],
    ['7: an LDT past the GDT', 'ldt', 0x90, 10, 0x90],
    ['8: code whose DPL is not its RPL', 'cs', code0 | 3, 10, code0],
    ['9: no stack', 'ss', 0, 10, 0],
    ['9: a stack that is read-only', 'ss', readOnly, 10, readOnly],
    ['9: a stack that is code', 'ss', code0, 10, code0],
    ['9: a stack past the GDT', 'ss', 0x90, 10, 0x90],
    ['10: a stack that is not present', 'ss', absentData, 12, absentData],
    ['11: a stack of another level', 'ss', data3, 10, data3 & ~3],
    ['13: no code segment', 'cs', 0, 10, 0],
    ['13: data as code', 'cs', data0, 10, data0],
    ['14: code that is not present', 'cs', absentCode, 11, absentCode],
    ['15: a stack with another RPL', 'ss', data0 | 1, 10, data0],
    ['16: a data segment past the GDT', 'ds', 0x90, 10, 0x90],
    ['17: execute-only data', 'es', executeOnly, 10, executeOnly],
    ['17: a TSS as data', 'fs', SELECTOR.tss, 10, SELECTOR.tss],
    ['18: data that is not present', 'gs', absentData, 11, absentData],
    ['19: data more privileged than RPL', 'ds', data0 | 3, 10, data0],
  ];
  for (const [name, field, selector, vector, errorCode] of cases) {
    it(`${name}: vector ${vector}`, () => {
      const cpu = twoTasks();
      cpu.writeWords(TSS2 + FIELD[field], [selector]);
      assert.throws(
        () => cpu.run('far-call', TASK, 0),
        (error) => {
          assert.ok(error instanceof NewTaskFault, String(error));
          assert.deepEqual([error.vector, error.errorCode, error.returnIp], [vector, errorCode, 0x7000], error.reason);
          return true;
        },
      );
      assert.equal(cpu.state.segment(SEGMENT.tr).selector, TASK);
      assert.equal(cpu.memory.read(TSS + 0x20, 32), 0x5002, 'the old task was saved');
      assert.equal(cpu.state.register32(0), 1);
      assert.equal(cpu.memory.read(TSS2, 16), SELECTOR.tss, 'and is linked');
    });
  }

  it('12: an LDT that is not present: #TS', () => {
    const cpu = twoTasks();
    cpu.writeWords(TSS2 + FIELD.ldt, [ldt]);
    cpu.writeWords(GDT + ldt + 4, [0x0200]);
    assert.throws(() => cpu.run('far-jump', TASK, 0), { vector: 10, errorCode: ldt });
  });

  it('raises #GP in the new task where its EIP is past the limit, and #SS where an error code has no room', () => {
    const cpu = twoTasks();
    cpu.writeWords(TSS2 + FIELD.cs, [SELECTOR.limited]);
    assert.throws(() => cpu.run('far-jump', TASK, 0), { vector: 13, errorCode: 0, returnIp: 0x7000 });
    const other = twoTasks();
    other.writeWords(TSS2 + 0x38, [2]);
    other.writeWords(TSS2 + FIELD.ss, [SELECTOR.stack16]);
    other.gate(13, TASK, 0, 0x8500);
    other.state.setSegment(SEGMENT.ss, { selector: 0x10, base: 0, limit: 0xffffffff, access: 0x00c09300 });
    assert.throws(() => deliverInterrupt(other, 13, { kind: 'exception', returnIp: 0, errorCode: 0 }), {
      vector: 12,
      errorCode: 1,
    });
  });

  it('enters the handler from the first instruction of the new task', () => {
    const cpu = twoTasks();
    cpu.writeWords(TSS2 + FIELD.gs, [absentData]);
    cpu.gate(11, code0, 0x6000, 0x8e00);
    let fault: unknown;
    try {
      cpu.run('far-jump', TASK, 0);
    } catch (error) {
      fault = error;
    }
    assert.ok(fault instanceof NewTaskFault);
    raiseException(cpu, fault, 0x5000);
    assert.deepEqual(cpu.stack(cpu.esp, 3), [absentData, 0x7000, code0]);
    assert.equal(cpu.esp, 0xa000 - 16);
  });
});

describe('what a task switch changes (SDM 3, 7.2 to 7.4)', () => {
  it('loads CR3 while paging is on, sets TS and clears the local breakpoints', () => {
    const cpu = twoTasks();
    cpu.writeWords(TSS2 + 0x1c, [0x5000]);
    cpu.state.setDebugRegister(7, 0x7ff);
    cpu.run('far-jump', TASK, 0);
    assert.equal(cpu.state.control(3), 0, 'paging is off');
    assert.equal(cpu.state.control(0), 0x19);
    assert.equal(cpu.state.debugRegister(7), 0x6aa);
    const paged = twoTasks();
    paged.writeWords(TSS2 + 0x1c, [0x5000]);
    paged.state.setControl(0, 0x80000011);
    paged.run('far-jump', TASK, 0);
    assert.equal(paged.state.control(3), 0x5000);
    assert.ok(paged.events.includes('flush'));
  });

  it('enters virtual-8086 mode when the new EFLAGS have VM', () => {
    const cpu = twoTasks();
    cpu.writeWords(TSS2 + 0x20, [0x10, 0x20202]);
    cpu.writeWords(TSS2 + 0x48, [0x111, 0x222, 0x333, 0x444, 0x555, 0x666]);
    cpu.run('far-jump', TASK, 0);
    assert.equal(cpu.state.cpl, 3);
    assert.deepEqual(cpu.state.segment(SEGMENT.cs), { selector: 0x222, base: 0x2220, limit: 0xffff, access: 0xf300 });
    assert.equal(cpu.state.segment(SEGMENT.gs).base, 0x6660);
  });

  it('leaves ones above what a 16-bit TSS loads, as the 80386 does ("modified and not maintained", SDM 3, 7.6)', () => {
    const cpu = twoTasks();
    cpu.writeWords(GDT + TASK, [(TSS2 << 16) | 0x2b, 0x8100]);
    cpu.writeWords(TSS2 + 0x0e, [0x00027000, 0x56781234]);
    cpu.writeWords(TSS2 + 0x22, [(SELECTOR.code0 << 16) | SELECTOR.data0, (SELECTOR.data0 << 16) | SELECTOR.data0, 0]);
    cpu.run('far-jump', TASK, 0);
    assert.equal(cpu.state.ip, 0x7000);
    assert.deepEqual([cpu.state.register32(0), cpu.state.register32(1)], [0xffff1234, 0xffff5678]);
    assert.equal(cpu.selector(SEGMENT.fs), 0);
  });

  it('saves RF for a fault, and not for an interrupt (SDM 3, 17.3.1.1)', () => {
    const cpu = twoTasks();
    cpu.gate(0, TASK, 0, 0x8500);
    deliverInterrupt(cpu, 0, { kind: 'exception', returnIp: 0x5000 });
    assert.deepEqual([cpu.memory.read(TSS + 0x20, 32), cpu.memory.read(TSS + 0x24, 32)], [0x5000, 0x10202]);
    const other = twoTasks();
    other.gate(0x20, TASK, 0, 0x8500);
    deliverInterrupt(other, 0x20, { kind: 'external', returnIp: 0x5000 });
    assert.equal(other.memory.read(TSS + 0x24, 32), 0x202);
    assert.equal(other.state.eflags, 0x4002);
    assert.equal(STACK, 0x8000);
  });
});
