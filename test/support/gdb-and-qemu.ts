import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Set up so that every line a script prints itself can be told from what GDB says. */
const PREAMBLE = ['set pagination off', 'set confirm off', 'set architecture i386', 'set disassembly-flavor att'];

/** What the script prints when all of it has run: GDB leaves a script at the first command that fails. */
const END = 'end of the script';

/**
 * Boots a Multiboot kernel in QEMU under GDB and runs a GDB script on it, beginning at its entry. Returns what both print.
 * QEMU speaks to GDB through a pipe, so no port is taken. A hardware breakpoint, because the image is not in memory yet at the reset.
 */
export function underGdbAndQemu(kernel: string, script: readonly string[], entry = '_start'): string {
  const folder = mkdtempSync(join(tmpdir(), 'gdb-and-qemu-'));
  try {
    const file = join(folder, 'script.gdb');
    const qemu = `qemu-system-i386 -kernel "${kernel}" -m 128M -S -gdb stdio -display none -serial null -monitor null -no-reboot`;
    const commands = [...PREAMBLE, `target remote | exec ${qemu}`, `hbreak *${entry}`, 'continue', 'delete'];
    writeFileSync(file, [...commands, ...script, `echo \\n${END}\\n`, 'kill', ''].join('\n'));
    // GDB sends what QEMU's monitor answers to standard error; its place among the rest is wanted.
    const command = ['-c', 'exec gdb -nx -batch -x "$0" "$1" 2>&1', file, kernel];
    const done = spawnSync('sh', command, { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 << 20 });
    // The status says nothing: the last command kills QEMU, which may go before GDB has its answer.
    const end = done.stdout.lastIndexOf(`\n${END}\n`);
    if (end < 0) throw new Error(`GDB ended with ${done.status ?? done.signal}:\n${done.stdout}`);
    return done.stdout.slice(0, end);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The lines of GDB's output that a script printed with a mark of its own in front, without the mark. */
export function marked(output: string, mark: string): string[] {
  return output.split('\n').flatMap((line) => (line.startsWith(`${mark} `) ? [line.slice(mark.length + 1)] : []));
}
