import { createHash } from 'node:crypto';
import type { Debuggee } from '../debugger/debuggee.ts';
import type { MachineStop } from '../machine/stop.ts';
import type { Picture } from '../machine/video/vga-picture.ts';
import { hex } from '../util/hex.ts';
import { cpuMode } from '../x86/cpu-mode.ts';
import { formatException } from '../x86/exceptions.ts';
import type { HeadlessRun } from './headless-run.ts';

const REGISTERS = [
  ...['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'esp', 'eip', 'eflags'],
  ...['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'cr0', 'cr2', 'cr3', 'cr4', 'efer'],
];

/** Stops of a guest that cannot go on and did not mean to stop. */
const DEAD: ReadonlySet<string> = new Set(['triple-fault', 'unimplemented', 'error']);

/** The object that `boot --json` prints: a contract. */
export function bootReport(
  { machine, inspection, target }: Debuggee,
  { stop, serial }: HeadlessRun,
): Record<string, unknown> {
  const { characters, picture } = machine.screen();
  const register = (name: string): bigint => target.register(name)?.value ?? 0n;
  const digits = (name: string): number => ((target.register(name)?.bits ?? 32) === 16 ? 4 : 8);
  return {
    entry: inspection.plan.entry,
    hypervisor: machine.hypervisor,
    stop: { reason: stop.reason, description: stop.description },
    instructions: target.instructions,
    mode: cpuMode(inspection.number('cr0'), inspection.number('eflags'), target.segment('cs').access),
    cpl: inspection.number('cpl'),
    registers: Object.fromEntries(REGISTERS.map((name) => [name, hex(register(name), digits(name))])),
    serial,
    vga: characters,
    ...(picture === undefined ? {} : { picture: pictureReport(picture) }),
    exitCode: stop.exitCode ?? null,
    faults: machine.faults.map((fault) => ({
      exception: formatException(fault.vector, fault.errorCode),
      vector: fault.vector,
      errorCode: fault.errorCode === undefined ? null : hex(fault.errorCode),
      reason: fault.reason,
      cs: hex(fault.cs, 4),
      eip: hex(fault.ip, 8),
      instruction: fault.instruction,
      during: fault.during ?? null,
    })),
    hypercalls: Object.fromEntries(machine.hypercalls.counts),
  };
}

/** Of a graphics mode: the size, and the SHA-256 of its pixels as bytes of red, green and blue, row by row. */
function pictureReport({ width, height, pixels, palette }: Picture): Record<string, unknown> {
  const colours = Uint8Array.from({ length: pixels.length * 3 }, (_, n) => {
    return palette[(pixels[Math.floor(n / 3)] ?? 0) * 3 + (n % 3)] ?? 0;
  });
  return { width, height, sha256: createHash('sha256').update(colours).digest('hex') };
}

/** 0 when the machine stopped as asked, 1 when the guest died or did not reach the place it was to reach. */
export function exitStatus(stop: MachineStop, hasDestination: boolean): number {
  return DEAD.has(stop.reason) || (hasDestination && stop.reason !== 'breakpoint') ? 1 : 0;
}
