import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** What users debug kernels with today, measured in the same run. Every function gives undefined where the tool is missing. */

const installed = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;

const machine = (elf: string): string[] => [
  ...['-kernel', elf, '-display', 'none', '-no-reboot', '-m', '128'],
  ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
];

/** Wall-clock seconds of a guest under QEMU, firmware included; `options` such as `-icount shift=0`. */
export function qemuSeconds(elf: string, options: readonly string[]): number | undefined {
  if (!installed('qemu-system-i386')) return undefined;
  const start = performance.now();
  spawnSync('qemu-system-i386', [...machine(elf), ...options], { timeout: 120_000 });
  return (performance.now() - start) / 1000;
}

/** GDB with QEMU's stub: milliseconds from spawn to the first stop at the entry, and single steps per second. */
export async function gdbWithQemu(
  elf: string,
  steps: number,
): Promise<{ launchMs: number; stepsPerSecond: number } | undefined> {
  if (!installed('qemu-system-i386') || !installed('gdb')) return undefined;
  const port = await freePort();
  const script = (commands: readonly string[]): string[] => [
    '-nx',
    '-batch',
    ...['set pagination off', `target remote 127.0.0.1:${port}`, 'hbreak _start', 'continue', ...commands].flatMap(
      (command) => ['-ex', command],
    ),
    elf,
  ];
  const session = async (commands: readonly string[]): Promise<number> => {
    const start = performance.now();
    const qemu = spawn('qemu-system-i386', [...machine(elf), '-S', '-gdb', `tcp:127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    const exit = once(qemu, 'exit');
    try {
      await listening(port);
      execFileSync('gdb', script(commands), { stdio: 'ignore', timeout: 120_000 });
      return performance.now() - start;
    } finally {
      qemu.kill('SIGKILL');
      await exit;
    }
  };
  const launchMs = await session(['kill']);
  const withSteps = await session([`stepi ${steps}`, 'kill']);
  return { launchMs, stepsPerSecond: steps / ((withSteps - launchMs) / 1000) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits by looking at the kernel's table, because QEMU takes a connection for its debugger. */
async function listening(port: number): Promise<void> {
  const { readFileSync } = await import('node:fs');
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  for (let n = 0; n < 2000; n++) {
    if (readFileSync('/proc/net/tcp', 'utf8').includes(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing listens on port ${port}`);
}
