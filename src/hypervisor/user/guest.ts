import { SEGMENT, type SegmentCache } from '../../cpu/state.ts';
import type { SupervisorHost } from '../../machine/supervisor.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { didYouMean } from '../../util/nearest-name.ts';
import { GENERAL_REGISTERS } from '../../x86/registers.ts';
import { writePhysical } from '../guest-access.ts';

const GENERAL: readonly string[] = GENERAL_REGISTERS[32];
const CONTROL: readonly string[] = ['cr0', 'cr2', 'cr3', 'cr4'];
const SEGMENTS: readonly string[] = Object.keys(SEGMENT);
/** Registers by name; segment registers are read as selectors. */
const NAMES = [...GENERAL, 'eip', 'eflags', 'cpl', ...CONTROL, ...SEGMENTS];

/** The guest as a hypervisor of the user's own sees it. Registers have 32 bits; addresses are numbers. */
export class Guest {
  private readonly host: SupervisorHost;

  constructor(host: SupervisorHost) {
    this.host = host;
  }

  /** Retired since the start. */
  get instructions(): number {
    return this.host.cpu.retired;
  }
  /** Guest time in units of 10 ns. */
  get ticks(): number {
    return this.host.clock.now;
  }
  /** Bytes of physical memory. */
  get memorySize(): number {
    return this.host.memory.size;
  }

  /** Unsigned. Throws `hypervisor-register`. */
  register(name: string): number {
    const { state } = this.host.cpu;
    const general = GENERAL.indexOf(name);
    if (general >= 0) return state.register32(general);
    if (CONTROL.includes(name)) return state.control(Number(name.slice(2)));
    if (name in SEGMENT) return state.segment(SEGMENT[name as keyof typeof SEGMENT]).selector;
    if (name === 'eip') return state.ip;
    if (name === 'eflags') return state.eflags;
    if (name === 'cpl') return state.cpl;
    throw noRegister(name);
  }

  /** Sets a general register, `eip`, `eflags`, `cpl`, or a control register. Throws `hypervisor-register`. */
  setRegister(name: string, value: number): void {
    const { cpu } = this.host;
    const { state } = cpu;
    const general = GENERAL.indexOf(name);
    if (general >= 0) state.setRegister32(general, value >>> 0);
    else if (name === 'eip') state.ip = value >>> 0;
    else if (name === 'eflags') state.eflags = value >>> 0;
    else if (name === 'cpl' || CONTROL.includes(name)) {
      if (name === 'cpl') state.cpl = value & 3;
      else state.setControl(Number(name.slice(2)), value >>> 0);
      cpu.flushTranslations();
      cpu.codeContextChanged();
    } else throw noRegister(name);
  }

  /** Loads a segment register past every check, as a hypervisor does: selector, base, limit in bytes, access bits of the descriptor. */
  setSegment(name: string, segment: SegmentCache): void {
    if (!(name in SEGMENT)) throw noRegister(name);
    const { cpu } = this.host;
    cpu.state.setSegment(SEGMENT[name as keyof typeof SEGMENT], segment);
    cpu.codeContextChanged();
  }

  /** A copy of linear memory, with the rights of CPL 0. Throws the #PF that the guest would get. */
  readMemory(linear: number, length: number): Uint8Array {
    const { memory } = this.host.cpu;
    return Uint8Array.from({ length }, (_, n) => memory.read((linear + n) >>> 0, 8, true));
  }
  /** As {@link readMemory}. */
  writeMemory(linear: number, bytes: Iterable<number>): void {
    const { memory } = this.host.cpu;
    let at = linear;
    for (const byte of bytes) memory.write(at++ >>> 0, 8, byte, true);
  }
  /** A copy of physical memory. Throws `memory-out-of-range`. */
  readPhysical(physical: number, length: number): Uint8Array {
    return this.host.memory.read(physical, length);
  }
  writePhysical(physical: number, bytes: Iterable<number>): void {
    writePhysical(this.host, physical, Uint8Array.from(bytes));
  }

  /** Text up to a zero byte, at most `longest` bytes, as Latin-1. */
  readString(linear: number, longest = 1024): string {
    let text = '';
    for (let n = 0; n < longest; n++) {
      const byte = this.host.cpu.memory.read((linear + n) >>> 0, 8, true);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** The console of the guest: the Debug Console, or standard output. */
  print(text: string): void {
    this.host.print(text);
  }
  /** Ends the machine with a sentence. */
  shutdown(description: string): void {
    this.host.stop({ reason: 'shutdown', description });
  }
  /** Goes on behind the instruction that was shown to `privileged`. */
  skipInstruction(): void {
    this.host.cpu.state.ip = this.host.cpu.instruction.next;
  }
}

function noRegister(name: string): StartOfDayError {
  return new StartOfDayError({
    code: 'hypervisor-register',
    blame: 'user',
    title: `There is no register "${name}"`,
    mend: didYouMean(name, NAMES) ?? `The registers are ${NAMES.join(', ')}.`,
  });
}
