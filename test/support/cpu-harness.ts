import { createHash } from 'node:crypto';
import type { AccessWidth, CpuBus } from '../../src/cpu/context.ts';
import { Cpu, type CpuExit, type EngineName, type HandlerSource } from '../../src/cpu/cpu.ts';
import type { SamplingPolicy } from '../../src/cpu/translator/sampler.ts';
import type { CpuModelName } from '../../src/x86/cpu-model.ts';
import { JUMP_CACHE, RAM } from '../../src/cpu/layout.ts';
import { SEGMENT, type SegmentIndex } from '../../src/cpu/state.ts';
import { prebuiltHandlers } from './prebuilt-handlers.ts';

export const ENGINES: readonly EngineName[] = ['translator', 'interpreter', 'reference'];
export const FAST_ENGINES: readonly EngineName[] = ['translator', 'interpreter'];
/** Everything is hot: a block is translated when it was seen once. */
const EVERYTHING_HOT: SamplingPolicy = { period: 3, samples: 1 };

/** Physical addresses of what {@link Guest} sets up. */
export const PLACE = {
  gdt: 0x1000,
  idt: 0x2000,
  tss: 0x3000,
  pageDirectory: 0x4000,
  /** Page tables, in the order in which they are needed. */
  pageTables: 0x5000,
  code: 0x10000,
  data: 0x20000,
  /** ESP at the start; the stack grows down from here. */
  stack: 0x80000,
} as const;

/** GDT selectors. */
export const SELECTOR = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x1b,
  data3: 0x23,
  tss: 0x28,
  /** 16-bit code with base {@link PLACE.code}. */
  code16: 0x30,
  /** 32-bit code with base {@link PLACE.code}. */
  basedCode: 0x38,
  /** Writable data, byte limit 0xfff, base {@link PLACE.data}. */
  limited: 0x40,
  /** Expand-down data, valid above 0xfff, base {@link PLACE.data}. */
  expandDown: 0x48,
  readOnly: 0x50,
  executeOnly: 0x58,
  /** 16-bit stack, base 0, limit 0xffff. */
  stack16: 0x60,
  /** 32-bit code, byte limit 0x10fff. */
  limitedCode: 0x68,
} as const;

/** Descriptors at the indexes of {@link SELECTOR}, as the two words of SDM 3, figure 3-8. */
const DESCRIPTORS: readonly (readonly [low: number, high: number])[] = [
  [0, 0],
  [0x0000ffff, 0x00cf9b00],
  [0x0000ffff, 0x00cf9300],
  [0x0000ffff, 0x00cffb00],
  [0x0000ffff, 0x00cff300],
  [((PLACE.tss & 0xffff) << 16) | 0x67, 0x00008900],
  [((PLACE.code & 0xffff) << 16) | 0xffff, 0x00009b00 | (PLACE.code >> 16)],
  [((PLACE.code & 0xffff) << 16) | 0xffff, 0x00cf9b00 | (PLACE.code >> 16)],
  [((PLACE.data & 0xffff) << 16) | 0x0fff, 0x00409300 | (PLACE.data >> 16)],
  [((PLACE.data & 0xffff) << 16) | 0x0fff, 0x00409700 | (PLACE.data >> 16)],
  [0x0000ffff, 0x00cf9100],
  [0x0000ffff, 0x00cf9900],
  [0x0000ffff, 0x00009300],
  [0x00000fff, 0x00419b00],
];

/** A bus that remembers what it was asked, and answers with ones. */
export class RecordingBus implements CpuBus {
  readonly events: string[] = [];
  /** Called at every port access. */
  onPort: (port: number) => void = () => undefined;

  portRead(port: number, width: AccessWidth): number {
    this.events.push(`in ${port.toString(16)} ${width}`);
    this.onPort(port);
    return 2 ** width - 1;
  }
  portWrite(port: number, width: AccessWidth, value: number): void {
    this.events.push(`out ${port.toString(16)} ${width} ${(value >>> 0).toString(16)}`);
    this.onPort(port);
  }
  memoryRead(physical: number, width: AccessWidth): number {
    this.events.push(`read ${physical.toString(16)} ${width}`);
    return 2 ** width - 1;
  }
  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    this.events.push(`write ${physical.toString(16)} ${width} ${(value >>> 0).toString(16)}`);
  }
  timeStamp(): bigint {
    return 0n;
  }
}

export interface GuestOptions {
  /** Bytes at {@link PLACE.code}, where execution starts. */
  readonly code?: Uint8Array;
  /** Bytes of RAM, 1 MiB unless said. */
  readonly ramSize?: number;
  /** How the translator finds hot code; unless said, everything is. */
  readonly sampling?: SamplingPolicy;
  /** Which CPU. */
  readonly cpu?: CpuModelName;
  /** Handlers built ahead of time; unless said, the interpreter has them, and the translator makes its own. */
  readonly handlers?: HandlerSource;
}

/** Everything that a step may change, in a form to compare. */
export interface Snapshot {
  readonly registers: readonly number[];
  readonly ip: number;
  readonly eflags: number;
  readonly retired: number;
  /** Hash of RAM. */
  readonly memory: string;
}

/** A CPU with RAM in flat 32-bit protected mode at CPL 0, paging off, interrupts off. */
export class Guest {
  readonly bus = new RecordingBus();
  readonly cpu: Cpu;
  private tables = 0;

  constructor(engine: EngineName, options: GuestOptions = {}) {
    const { ramSize = 0x100000, cpu, sampling = EVERYTHING_HOT } = options;
    const { handlers = engine === 'interpreter' ? prebuiltHandlers : undefined } = options;
    this.cpu = new Cpu({ ramSize, bus: this.bus, engine, model: cpu, handlers, sampling });
    const { state } = this.cpu;
    DESCRIPTORS.forEach(([low, high], index) => this.writeWords(PLACE.gdt + index * 8, low, high));
    state.gdtr = { base: PLACE.gdt, limit: DESCRIPTORS.length * 8 - 1 };
    state.idtr = { base: PLACE.idt, limit: 0 };
    state.setControl(0, 0x11);
    this.enterLevel(0);
    state.setRegister32(4, PLACE.stack);
    state.ip = PLACE.code;
    if (options.code !== undefined) this.writeBytes(PLACE.code, options.code);
  }

  /** Flat segments of a privilege level. */
  enterLevel(cpl: 0 | 3): void {
    const { state } = this.cpu;
    state.cpl = cpl;
    this.loadSegment('cs', cpl === 0 ? SELECTOR.code0 : SELECTOR.code3);
    for (const name of ['es', 'ss', 'ds', 'fs', 'gs'] as const)
      this.loadSegment(name, cpl === 0 ? SELECTOR.data0 : SELECTOR.data3);
    this.cpu.stateChanged();
  }

  /** Loads a segment register from the GDT without checks. */
  loadSegment(name: 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs', selector: number): void {
    const [low, high] = DESCRIPTORS[selector >>> 3] ?? [0, 0];
    const limit = (high & 0xf0000) | (low & 0xffff);
    this.setSegment(SEGMENT[name], {
      selector,
      base: ((high & 0xff000000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0,
      limit: ((high & 0x800000) !== 0 ? (limit << 12) | 0xfff : limit) >>> 0,
      access: high & 0xf0ff00,
    });
  }
  setSegment(index: SegmentIndex, cache: Parameters<Cpu['state']['setSegment']>[1]): void {
    this.cpu.state.setSegment(index, cache);
    this.cpu.codeContextChanged();
  }

  /** A 32-bit interrupt gate to flat code at CPL 0. */
  handler(vector: number, offset: number): void {
    const { state } = this.cpu;
    state.idtr = { base: PLACE.idt, limit: Math.max(state.idtr.limit, vector * 8 + 7) };
    this.writeWords(PLACE.idt + vector * 8, (SELECTOR.code0 << 16) | (offset & 0xffff), (offset & 0xffff0000) | 0x8e00);
  }

  /** Maps a 4 KiB page; `rights`: 1 present, 2 writable, 4 user, 0x20 accessed, 0x40 dirty. */
  map(linear: number, physical: number, rights = 7): void {
    const directoryEntry = PLACE.pageDirectory + (linear >>> 22) * 4;
    if (this.readWord(directoryEntry) === 0)
      this.writeWords(directoryEntry, (PLACE.pageTables + this.tables++ * 0x1000) | 0x27);
    const table = this.readWord(directoryEntry) & ~0xfff;
    this.writeWords(table + ((linear >>> 12) & 0x3ff) * 4, physical | rights);
  }
  /** Maps `length` bytes from address 0 one to one. */
  mapIdentity(length: number, rights = 7): void {
    for (let page = 0; page < length; page += 0x1000) this.map(page, page, rights);
  }
  /** Turns paging on with CR0.WP, and forgets translations. */
  enablePaging(): void {
    const { state } = this.cpu;
    state.setControl(3, PLACE.pageDirectory);
    state.setControl(0, 0x80010011);
    this.cpu.stateChanged();
  }

  /** Guest physical memory, without telling the CPU. */
  bytes(physical: number, length: number): Uint8Array {
    return this.cpu.state.bytes.subarray(RAM + physical, RAM + physical + length);
  }
  writeBytes(physical: number, bytes: Uint8Array): void {
    this.cpu.state.bytes.set(bytes, RAM + physical);
  }
  readWord(physical: number): number {
    return this.cpu.state.view.getUint32(RAM + physical, true);
  }
  writeWords(physical: number, ...words: readonly number[]): void {
    words.forEach((word, n) => this.cpu.state.view.setUint32(RAM + physical + n * 4, word, true));
  }

  register(index: number): number {
    return this.cpu.state.register32(index);
  }
  get registers(): number[] {
    return Array.from({ length: 8 }, (_, index) => this.register(index));
  }

  run(budget: number, options: { skipFirstBreakpoint?: boolean; slice?: number } = {}): CpuExit {
    return this.cpu.run(budget, { skipFirstBreakpoint: false, ...options });
  }

  snapshot(): Snapshot {
    const { state, retired } = this.cpu;
    const memory = createHash('sha1').update(this.bytes(0, state.ramSize)).digest('hex');
    return { registers: this.registers, ip: state.ip, eflags: state.eflags, retired, memory };
  }

  /** Keeps the CPU's registers and RAM; the result brings them back, all but the count of retired instructions. */
  save(): () => void {
    const { bytes, ramSize } = this.cpu.state;
    const registers = bytes.slice(0, JUMP_CACHE);
    const ram = bytes.slice(RAM, RAM + ramSize);
    return () => {
      bytes.set(registers);
      bytes.set(ram, RAM);
      this.cpu.stateChanged();
    };
  }
}
