import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { ACCESS, SEGMENT } from '../../src/cpu/state.ts';
import { Machine, type MachineOptions } from '../../src/machine/machine.ts';

/** Where a test guest is loaded and entered. */
export const GUEST_BASE = 0x100000;

/** Assembles 32-bit NASM source for {@link GUEST_BASE}. */
export function assemble(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'start-of-day-'));
  try {
    const input = join(folder, 'guest.asm');
    const output = join(folder, 'guest.bin');
    writeFileSync(input, `bits 32\norg ${GUEST_BASE}\n${source}\n`);
    execFileSync('nasm', ['-f', 'bin', '-o', output, input]);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface GuestOptions {
  readonly engine?: EngineName;
  readonly cpu?: MachineOptions['cpu'];
  /** Bytes; default 2 MiB. */
  readonly memory?: number;
  /** Default the guest's first byte. */
  readonly entry?: number;
}

/** A machine with the guest loaded, in the state of a Multiboot entry: protected mode, flat, interrupts off. */
export function machineWith(code: Uint8Array, options: GuestOptions = {}): Machine {
  const machine = new Machine({ memory: options.memory ?? 0x200000, engine: options.engine, cpu: options.cpu });
  const { state } = machine.cpu;
  const flat =
    ACCESS.present | ACCESS.codeOrData | ACCESS.readWrite | ACCESS.accessed | ACCESS.big | ACCESS.granularity;
  state.setControl(0, 0x11);
  state.setSegment(SEGMENT.cs, { selector: 0x08, base: 0, limit: 0xffffffff, access: flat | ACCESS.code });
  for (const index of [SEGMENT.ss, SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs])
    state.setSegment(index, { selector: 0x10, base: 0, limit: 0xffffffff, access: flat });
  state.ip = options.entry ?? GUEST_BASE;
  state.setRegister32(4, 0x180000);
  machine.memory.write(GUEST_BASE, code);
  machine.cpu.stateChanged();
  return machine;
}

/**
 * Macros of the test guests: `setup` loads a flat GDT (code 0x08, data 0x10) and an empty IDT of 64 gates at 0x110000,
 * `gate VECTOR, HANDLER` fills one, `remap` moves the interrupts to 0x20 and 0x28 with the given masks.
 */
export const MACROS = `
%macro outb 2
  mov al, %2
  out %1, al
%endmacro
%macro setup 0
  lgdt [gdt_pointer]
  lidt [idt_pointer]
  jmp 0x08:%%reload
%%reload:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
%endmacro
%macro gate 2
  mov eax, %2
  mov word [0x110000 + %1 * 8], ax
  mov word [0x110002 + %1 * 8], 0x08
  mov word [0x110004 + %1 * 8], 0x8e00
  shr eax, 16
  mov word [0x110006 + %1 * 8], ax
%endmacro
%macro remap 2
  outb 0x20, 0x11
  outb 0xa0, 0x11
  outb 0x21, 0x20
  outb 0xa1, 0x28
  outb 0x21, 0x04
  outb 0xa1, 0x02
  outb 0x21, 0x01
  outb 0xa1, 0x01
  outb 0x21, %1
  outb 0xa1, %2
%endmacro
  jmp start
align 8
gdt:
  dq 0
  dq 0x00cf9b000000ffff
  dq 0x00cf93000000ffff
gdt_pointer:
  dw 23
  dd gdt
idt_pointer:
  dw 64 * 8 - 1
  dd 0x110000
`;
