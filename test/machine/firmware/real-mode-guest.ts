import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseEntry } from '../../../src/boot/choose-entry.ts';
import { applyPlan } from '../../../src/boot/load.ts';
import type { EngineName } from '../../../src/cpu/cpu.ts';
import { Machine } from '../../../src/machine/machine.ts';

/** Sectors of setup code behind the boot sector. */
const SETUP_SECTORS = 63;
/** Bytes that `dump` prints: EDI ESI EBP ESP EBX EDX ECX EAX, ES, FLAGS. */
export const DUMP = 36;
export const GUEST_MEMORY = 0x2000000;

/**
 * A bzImage (boot.rst, "The Real-Mode Kernel Header") whose setup code is the 16-bit NASM source; the segment registers hold the segment
 * it lies in. At its end 0 is written to the debug exit port. `dump` prints what pushad pushes, ES and FLAGS to port 0xe9.
 */
export function realModeImage(source: string): Uint8Array {
  const text = `
bits 16
org 0
times 0x1f1 - ($ - $$) db 0
  db ${SETUP_SECTORS}
times 0x1f4 - ($ - $$) db 0
  dd 1
times 0x1fe - ($ - $$) db 0
  dw 0xaa55
  jmp short start
  db "HdrS"
  dw 0x0204
times 0x211 - ($ - $$) db 0
  db 1
times 0x214 - ($ - $$) db 0
  dd 0x100000
times 0x268 - ($ - $$) db 0
start:
  cld
  mov ax, cs
  sub ax, 0x20
  mov ds, ax
  mov es, ax
  push ax
  push word main
  retf
dump:
  pushf
  push es
  pushad
  mov si, sp
  mov cx, ${DUMP}
.next:
  ss lodsb
  out 0xe9, al
  loop .next
  popad
  pop es
  popf
  ret
main:
${source}
  mov al, 0
  out 0xf4, al
  hlt
times ${(SETUP_SECTORS + 1) * 512} - ($ - $$) db 0
times 16 db 0xf4
`;
  return assemble(text);
}

function assemble(text: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'start-of-day-'));
  try {
    const input = join(folder, 'guest.asm');
    const output = join(folder, 'guest.bin');
    writeFileSync(input, text);
    execFileSync('nasm', ['-f', 'bin', '-o', output, input]);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the image prints to port 0xe9 under QEMU and its SeaBIOS. */
export function underSeaBios(image: Uint8Array): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'start-of-day-'));
  try {
    const kernel = join(folder, 'kernel');
    const output = join(folder, 'output');
    writeFileSync(kernel, image);
    const { status, stderr } = spawnSync(
      'qemu-system-i386',
      [
        ...['-kernel', kernel, '-m', `${GUEST_MEMORY / 0x100000}M`, '-nodefaults', '-vga', 'std', '-display', 'none'],
        ...['-no-reboot', '-debugcon', `file:${output}`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    assert.equal(status, 1, stderr);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A machine at the first instruction of the image, entered as Linux in real mode. */
export function realModeMachine(image: Uint8Array, engine?: EngineName): Machine {
  const options = { memory: GUEST_MEMORY, cmdline: '', bootLoaderName: '', modules: [], poison: true };
  const machine = new Machine({ memory: GUEST_MEMORY, engine });
  applyPlan(chooseEntry({ name: 'guest', bytes: image }, 'linux16', options), machine);
  return machine;
}

/** What it prints on our machine and its BIOS. */
export function underOurBios(image: Uint8Array, machine = realModeMachine(image)): Uint8Array {
  const bytes: number[] = [];
  machine.console.on((character) => bytes.push(character.charCodeAt(0)));
  const stop = machine.run({ maxInstructions: 20_000_000 });
  assert.equal(stop.reason, 'debug-exit', stop.description);
  return Uint8Array.from(bytes);
}
