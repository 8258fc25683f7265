import assert from 'node:assert/strict';
import { ENGINES } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';
import { modeProgram, results, runInQemu, runProgram, startProgram } from './mode-guest.ts';

/** Protected mode to real mode as SDM 3, 9.9.2 does it, ending in segment 0x1000 with an own interrupt vector table. */
const TO_REAL_MODE = `
  jmp CODE16:AT(to_real)
.code16
to_real:
  mov ax, DATA16
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov fs, ax
  mov gs, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  nop
  jmp 0x1000:AT(real)
real:
  mov ax, 0x1000
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov sp, AT(real_stack)
  lidt [AT(ivt_register)]
  jmp real_code
ivt_register: .word 0x3ff
  .long memory
.macro vector number, handler
  mov word ptr [AT(memory) + \\number * 4], AT(\\handler)
  mov word ptr [AT(memory) + \\number * 4 + 2], 0x1000
.endm
.macro store number, register
  mov [AT(results) + \\number * 4], \\register
.endm
real_code:
`;
/** And back (SDM 3, 9.9.1), to `done`. */
const TO_PROTECTED_MODE = `
  mov eax, cr0
  or al, 1
  mov cr0, eax
  nop
  .byte 0x66, 0xea
  .long done
  .word CODE
`;

const PROGRAMS: Readonly<Record<string, string>> = {
  'INT, IRET and exceptions through the vector table (SDM 3, 20.1.4)': `
    vector 0, divide
    vector 3, breakpoint
    vector 4, overflow
    vector 5, bound
    vector 6, invalid
    vector 0x21, service
    sti
    stc
    mov eax, 0x11112222
    int 0x21
    store 0, eax
    pushfd
    pop dword ptr [AT(results) + 4]
    cli
    int3
    xor ax, ax
    dec ax
    into
    mov al, 0x7f
    inc al
    into
    mov bx, 7
    bound bx, [AT(bounds)]
    mov ax, 0x1234
    mov bl, 0
    div bl
  after_div:
    arpl ax, bx
    .set A1, .
    sldt ax
    str ax
    lldt ax
    ltr ax
    verr ax
    verw ax
    lar ax, bx
    lsl ax, bx
    smsw ax
    store 40, ax
    store 41, sp
    jmp end
  bounds: .word 1, 5
  service:
    store 2, ax
    mov bp, sp
    mov cx, [bp]
    store 3, cx
    mov cx, [bp + 2]
    store 4, cx
    mov cx, [bp + 4]
    store 5, cx
    pushf
    pop cx
    store 6, cx
    mov eax, 0x33334444
    iret
  breakpoint:
    inc word ptr [AT(results) + 7 * 4]
    iret
  overflow:
    inc word ptr [AT(results) + 8 * 4]
    iret
  bound:
    inc word ptr [AT(results) + 9 * 4]
    mov bp, sp
    mov cx, [bp]
    store 10, cx
    mov bx, 3
    iret
  divide:
    mov bp, sp
    mov cx, [bp]
    sub cx, AT(after_div)
    store 11, cx
    store 12, sp
    mov bl, 0x80
    iret
  invalid:
    mov bp, sp
    mov si, [bp]
    mov cx, [si]
    movzx edi, word ptr [AT(results) + 13 * 4]
    inc word ptr [AT(results) + 13 * 4]
    mov [AT(results) + 14 * 4 + edi * 2], cx
    cmp cl, 0x0f
    je 1f
    dec word ptr [bp]
  1: add word ptr [bp], 3
    iret
  end:
`,
  'far JMP, CALL and RET with 16- and 32-bit operands (SDM 2)': `
    call 0x1000:AT(routine)
    store 0, sp
    lcall [AT(pointer)]
    store 1, sp
    .byte 0x66, 0x9a
    .long AT(wide_routine)
    .word 0x1000
    store 2, sp
    push 0x55
    push 0x66
    call 0x1001:(AT(dropping) - 16)
    store 3, sp
    store 9, ax
    .byte 0x66
    ljmp [AT(wide_pointer)]
  pointer: .word AT(routine), 0x1000
  wide_pointer: .long AT(landed)
    .word 0x1000
  routine:
    mov bp, sp
    mov eax, [bp]
    store 4, eax
    inc word ptr [AT(results) + 5 * 4]
    retf
  wide_routine:
    mov bp, sp
    mov eax, [bp]
    store 6, eax
    mov eax, [bp + 4]
    store 7, eax
    .byte 0x66
    retf
  dropping:
    mov bp, sp
    mov ax, cs
    store 8, ax
    mov ax, [bp + 4]
    retf 4
  landed:
    mov ax, cs
    store 10, ax
    pusha
    store 11, sp
    popa
    pushad
    store 12, sp
    popad
    mov bp, 0x1234
    enter 8, 2
    store 13, bp
    store 14, sp
    leave
    store 15, bp
    store 16, sp
    mov ebp, 0xabcd0000 + AT(real_stack) - 16
    mov esp, 0x77770000 + AT(real_stack) - 32
    .byte 0x66
    leave
    store 17, ebp
    store 18, esp
    mov esp, 0x77770000 + AT(real_stack)
    mov ebp, esp
    .byte 0x66
    enter 8, 1
    mov eax, [bp - 4]
    store 22, eax
    store 23, ebp
    store 24, esp
    mov esp, AT(real_stack)
    pushfd
    pop eax
    store 19, eax
    lds bx, [AT(pointer)]
    mov ax, ds
    mov cx, 0x1000
    mov ds, cx
    store 20, ax
    store 21, bx
`,
  'segment limits that survive a visit to protected mode (SDM 3, 9.9.2)': `
    mov eax, cr0
    or al, 1
    mov cr0, eax
    mov bx, DATA
    mov fs, bx
    and al, 0xfe
    mov cr0, eax
    mov bx, 0x1000
    mov fs, bx
    mov ebx, 0x10000
    mov dword ptr fs:[ebx], 0x12345678
    mov ax, 0x2000
    mov es, ax
    mov eax, es:[0]
    store 0, eax
    mov ax, 0
    mov fs, ax
    mov ebx, 0x20000
    mov eax, fs:[ebx]
    store 1, eax
    mov ax, fs
    store 2, ax
    smsw eax
    store 3, eax
    sgdt [AT(results) + 16]
    sidt [AT(results) + 24]
`,
};

describe('real mode', () => {
  for (const [name, body] of Object.entries(PROGRAMS)) {
    const program = modeProgram(TO_REAL_MODE + body + TO_PROTECTED_MODE);
    it(`as in QEMU: ${name}`, function () {
      requireTool(this, 'qemu-system-i386');
      requireTool(this, 'gdb');
      this.timeout(60_000);
      const expected = runInQemu(program);
      for (const engine of ENGINES) assert.deepEqual(runProgram(engine, program), expected, engine);
    });
  }
});

describe('faults in real mode (SDM 3, 20.1.4 and table 20-1)', () => {
  /** `body` in real mode with handlers for 6, 8, 12 and 13 that keep the vector, the pushed IP and SP, and end the program. */
  const withHandlers = (body: string): ReturnType<typeof modeProgram> =>
    modeProgram(`
      ${TO_REAL_MODE}
      .irp number, 6, 8, 12, 13
        mov word ptr [AT(memory) + \\number * 4], AT(handler\\number)
        mov word ptr [AT(memory) + \\number * 4 + 2], 0x1000
      .endr
      ${body}
      .irp number, 6, 8, 12, 13
      handler\\number:
        mov byte ptr [AT(results)], \\number
        jmp handled
      .endr
      handled:
        store 2, sp
        pop ax
        sub ax, AT(faulting)
        store 1, ax
        ${TO_PROTECTED_MODE}
    `);

  for (const engine of ENGINES) {
    const outcome = (body: string): number[] => runProgram(engine, withHandlers(body)).slice(0, 2);

    it(`raises #GP without an error code where an access or a jump leaves the segment (${engine})`, () => {
      assert.deepEqual(outcome('faulting: mov ax, [0xffff]'), [13, 0]);
      assert.deepEqual(outcome('mov ebx, 0x10000; faulting: mov al, [ebx]'), [13, 0]);
      assert.deepEqual(outcome('mov ebx, 0x10000; faulting: jmp ebx'), [13, 0]);
      assert.deepEqual(outcome('faulting: .byte 0x66, 0xe9; .long 0xfffff'), [13, 0]);
      assert.deepEqual(outcome('faulting: .byte 0x66, 0xea; .long 0x10000; .word 0x1000'), [13, 0]);
    });

    it(`raises #SS where a stack access would wrap inside an operand (${engine})`, () => {
      assert.deepEqual(outcome('mov bp, 0xffff; faulting: mov ax, [bp]'), [12, 0]);
      const sp = (program: string): number | undefined => runProgram(engine, withHandlers(program))[2];
      assert.equal(sp('mov sp, 0; int 6; faulting:'), 0xfffa, 'SP 0 wraps to 0xfffe');
    });

    it(`raises #GP for a vector past IDTR.limit (SDM 2, INT n) (${engine})`, () => {
      const shorten = 'mov word ptr [AT(ivt_register)], 14 * 4 - 1; lidt [AT(ivt_register)];';
      assert.deepEqual(outcome(`${shorten} faulting: int 14`), [13, 0]);
    });

    it(`raises #DF where a fault cannot be delivered, then shuts down (${engine})`, () => {
      const limit = (last: number): string => `mov word ptr [AT(ivt_register)], ${last}; lidt [AT(ivt_register)];`;
      assert.deepEqual(outcome(`${limit(9 * 4 - 1)} faulting: mov ax, [0xffff]`), [8, 0]);
      const { exit } = startProgram(engine, withHandlers(`${limit(7 * 4 - 1)} faulting: mov ax, [0xffff]`));
      assert.ok(exit.kind === 'triple-fault');
      assert.deepEqual(
        exit.chain.map((fault) => fault.vector),
        [13, 8, 13],
      );
    });

    it(`shuts down for want of a stack when SP is 1 (SDM 2, PUSH) (${engine})`, () => {
      const program = withHandlers('mov sp, 1; faulting: push ax');
      const { exit, guest } = startProgram(engine, program);
      assert.ok(exit.kind === 'triple-fault');
      assert.deepEqual(
        exit.chain.map((fault) => fault.vector),
        [12, 8, 12],
      );
      assert.equal(results(guest, program)[0], 0);
    });
  }
});
