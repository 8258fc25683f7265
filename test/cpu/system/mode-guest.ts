import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CpuExit, EngineName } from '../../../src/cpu/cpu.ts';
import { assemble, type Program } from '../../support/assembler.ts';
import { Guest } from '../../support/cpu-harness.ts';
import { marked, underGdbAndQemu } from '../../support/gdb-and-qemu.ts';

/** Where a {@link modeProgram} is linked: real-mode segment 0x1000. */
export const ORIGIN = 0x10000;
/** Double words of {@link modeProgram}'s `results`. */
export const RESULTS = 64;

/**
 * A Multiboot kernel of 64 KiB (a.out kludge, so that a plain binary loads) that starts in flat 32-bit protected mode with the
 * segments below, writes to `results`, and ends at `done`. `AT(label)` is an offset in segment 0x1000.
 */
export function modeProgram(body: string): Program {
  return assemble(
    `
      jmp entry
      .balign 4
    header: .long 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, _start, 0, 0, entry
      .balign 8
    gdt: .quad 0
      .quad 0x00cf9b000000ffff, 0x00cf93000000ffff
      .quad 0x00009b010000ffff, 0x000093010000ffff
      .quad 0x00cffb000000ffff, 0x00cff3000000ffff
    tss_descriptor: .quad 0
    second_tss: .quad 0
    task_gate: .quad 0
    ldt_descriptor: .quad 0
    spare: .quad 0, 0, 0, 0
    gdt_end:
    gdtr: .word gdt_end - gdt - 1
      .long gdt
    idtr: .word 0x7ff
      .long idt
    results: .fill ${RESULTS}, 4, 0
    .macro gate vector, handler, access = 0x8e00, selector = 8
      mov eax, offset \\handler
      mov word ptr [idt + \\vector * 8], ax
      mov word ptr [idt + \\vector * 8 + 2], \\selector
      mov word ptr [idt + \\vector * 8 + 4], \\access
      shr eax, 16
      mov word ptr [idt + \\vector * 8 + 6], ax
    .endm
    .macro system_descriptor place, base, limit, type
      mov eax, offset \\base
      mov word ptr [\\place], \\limit
      mov word ptr [\\place + 2], ax
      shr eax, 16
      mov byte ptr [\\place + 4], al
      mov byte ptr [\\place + 5], \\type
      mov word ptr [\\place + 6], 0
    .endm
    .set CODE, 0x08
    .set DATA, 0x10
    .set CODE16, 0x18
    .set DATA16, 0x20
    .set CODE3, 0x2b
    .set DATA3, 0x33
    .set TSS, 0x38
    .set TSS2, 0x40
    .set TASK_GATE, 0x48
    .set LDT, 0x50
    .set SPARE, 0x58
    .code32
    entry:
      mov al, 0xff
      out 0x21, al
      out 0xa1, al
      lgdt [gdtr]
      lidt [idtr]
      jmp CODE:1f
    1: mov eax, DATA
      mov ds, eax
      mov es, eax
      mov ss, eax
      mov fs, eax
      mov gs, eax
      mov esp, offset stack
      xor eax, eax
      mov ebx, eax
      mov ecx, eax
      mov edx, eax
      mov esi, eax
      mov edi, eax
      mov ebp, eax
    ${body.replaceAll(/AT\(([\\\w]+)\)/g, '($1 - _start)')}
    .code32
    .balign 16
    done: cli
    1: hlt
      jmp 1b
    .balign 0x1000
    .fill 0x1000, 1, 0
    stack:
    idt: .fill 256, 8, 0
    tss: .fill 0x1000, 1, 0
    tss2: .fill 0x1000, 1, 0
    ldt: .fill 8, 8, 0
    real_stack_bottom: .fill 0x800, 1, 0
    real_stack:
    memory: .fill 0x100, 4, 0
  `,
    ORIGIN,
  );
}

/** Runs the program on our CPU until it stops; its results. Fails unless that is at `done`. */
export function runProgram(engine: EngineName, program: Program, budget = 100_000): number[] {
  const { guest, exit } = startProgram(engine, program, budget);
  const ip = guest.cpu.state.ip;
  if (exit.kind !== 'halted' || ip !== program.at('done') + 2)
    throw new Error(`stopped at ${ip.toString(16)}: ${JSON.stringify(exit)}`);
  return results(guest, program);
}

/** Runs the program on our CPU, wherever it ends. */
export function startProgram(engine: EngineName, program: Program, budget = 100_000): { guest: Guest; exit: CpuExit } {
  const guest = new Guest(engine, { ramSize: 0x200000 });
  guest.writeBytes(ORIGIN, program.bytes);
  guest.cpu.state.ip = program.at('entry');
  guest.cpu.stateChanged();
  let exit: CpuExit;
  do exit = guest.run(budget);
  while (exit.kind === 'attention');
  return { guest, exit };
}

/** What the program wrote. */
export function results(guest: Guest, program: Program): number[] {
  return Array.from({ length: RESULTS }, (_, n) => guest.readWord(program.at('results') + n * 4));
}

/** Runs the program in QEMU; its results. */
export function runInQemu(program: Program): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'mode-guest-'));
  try {
    const kernel = join(folder, 'kernel.bin');
    writeFileSync(kernel, program.bytes);
    const place = (symbol: string): string => `*0x${program.at(symbol).toString(16)}`;
    const script = [`hbreak ${place('done')}`, 'continue'];
    for (let n = 0; n < RESULTS; n++)
      script.push(`printf "result %u\\n", *(unsigned int *)${program.at('results') + n * 4}`);
    const output = underGdbAndQemu(kernel, script, `0x${program.at('entry').toString(16)}`);
    const found = marked(output, 'result').map(Number);
    if (found.length !== RESULTS) throw new Error(`no results from QEMU:\n${output}`);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
