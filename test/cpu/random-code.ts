import { createHash } from 'node:crypto';
import type { Cpu, CpuExit, EngineName } from '../../src/cpu/cpu.ts';
import { CR4 } from '../../src/x86/control-registers.ts';
import { EFER, MSR } from '../../src/x86/model-specific-registers.ts';
import { RAM as FIRST_BYTE } from '../../src/cpu/layout.ts';
import { Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';

const RAM = 0x100000;
const CODE = 0x10000;
/** The page-directory-pointer table of PAE paging. */
const POINTER_TABLE = 0xf000;
/** Bytes that are worth more than their share: prefixes, two-byte opcodes, stack, string and system instructions, near and far jumps. */
const FAVOURITES = [
  0x0f, 0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x26, 0x64, 0xf0, 0x0f, 0x8b, 0x89, 0xa5, 0xab, 0xa6, 0xcd, 0xcf, 0xe8,
  0xeb, 0x75, 0x74, 0xc3, 0x9c, 0x9d, 0xfa, 0xfb, 0x8e, 0x8c, 0x1e, 0x1f, 0x07, 0x17, 0xea, 0x9a, 0xcb, 0xca, 0xc8,
  0xc9, 0x60, 0x61, 0x50, 0x58, 0xff, 0xf7, 0xd9, 0xdd, 0x22, 0x20, 0x01, 0x30, 0x32,
];

/** How a random guest starts: 32-bit or 16-bit code at CPL 0, 32-bit code at CPL 3, real-address mode, virtual-8086 mode. */
export const RANDOM_MODES = ['flat', 'code16', 'user', 'real', 'v86'] as const;
export type RandomMode = (typeof RANDOM_MODES)[number];

/** How a random guest is made: the same seed gives the same guest on every engine. */
export interface RandomCode {
  readonly seed: number;
  /** 4 KiB pages, all present, a few of them read-only or for the supervisor; `pae` with 64-bit entries, a few of them no-execute. */
  readonly paged: boolean | 'pae';
  /** `flat` unless said; paging makes `real` something else. */
  readonly mode?: RandomMode;
}

/** RAM full of random code with a descriptor table, gates to random places and random registers: nothing of it means anything. */
export function randomGuest(engine: EngineName, { seed, paged, mode = 'flat' }: RandomCode): Guest {
  const random = new Random(seed);
  const guest = new Guest(engine, { ramSize: RAM });
  const bytes = new Uint8Array(RAM - CODE);
  for (let n = 0; n < bytes.length; n++) bytes[n] = random.oneIn(3) ? random.pick(FAVOURITES) : random.below(256);
  guest.writeBytes(CODE, bytes);
  const address = (): number => CODE + random.below(RAM - CODE);
  for (let vector = 0; vector < 256; vector++) {
    const [offset, type] = [address(), random.pick([0x8e00, 0x8f00, 0xee00, 0xef00, 0xee00, 0x8e00, 0x8600, 0xe700])];
    guest.writeWords(PLACE.idt + vector * 8, (SELECTOR.code0 << 16) | (offset & 0xffff), (offset & 0xffff0000) | type);
  }
  const { state } = guest.cpu;
  state.idtr = { base: PLACE.idt, limit: 0x7ff };
  guest.writeWords(PLACE.tss + 4, PLACE.stack, SELECTOR.data0);
  state.setSegment(7, { selector: SELECTOR.tss, base: PLACE.tss, limit: 0x67, access: 0x8b00 });
  for (let index = 0; index < 8; index++) state.setRegister32(index, random.oneIn(3) ? random.word() : address());
  state.setRegister32(4, PLACE.stack + random.below(0x40000));
  state.ip = address();
  if (paged === 'pae') mapWide(guest, random);
  else if (paged) {
    guest.mapIdentity(RAM);
    for (let page = CODE; page < RAM; page += 0x1000)
      if (random.oneIn(8)) guest.map(page, page, random.pick([1, 3, 5, 6]));
    guest.enablePaging();
  }
  enterMode(guest, mode, random);
  guest.cpu.stateChanged();
  return guest;
}

/** PAE paging (SDM 3, 4.4) with IA32_EFER.NXE. */
function mapWide(guest: Guest, random: Random): void {
  const { state } = guest.cpu;
  const [directory, table] = [PLACE.pageDirectory, PLACE.pageTables];
  guest.writeWords(POINTER_TABLE, directory | 1, 0);
  guest.writeWords(directory, table | 0x27, 0);
  for (let page = 0; page < RAM; page += 0x1000) {
    const odd = page >= CODE && random.oneIn(8);
    const rights = odd ? random.pick([1, 3, 5, 6, 7]) : 7;
    guest.writeWords(table + (page >>> 12) * 8, page | rights, odd && random.oneIn(2) ? 0x80000000 : 0);
  }
  state.setModelSpecific(MSR.efer, BigInt(EFER.NXE));
  state.setControl(4, CR4.PAE);
  state.setControl(3, POINTER_TABLE);
  state.directoryPointers = [0, 1, 2, 3].map((n) => ({ value: n === 0 ? directory | 1 : 0, high: 0 }));
  state.setControl(0, 0x80010011);
}

/** Segments that hold the code, data and stack of a random guest at random paragraphs. */
function enterMode(guest: Guest, mode: RandomMode, random: Random): void {
  const { state } = guest.cpu;
  if (mode === 'user') guest.enterLevel(3);
  if (mode === 'code16') {
    guest.loadSegment('cs', SELECTOR.code16);
    guest.loadSegment('ss', SELECTOR.stack16);
  }
  if (mode === 'code16') state.ip = random.below(0x10000);
  if (mode !== 'real' && mode !== 'v86') return;
  const access = mode === 'real' ? 0x9300 : 0xf300;
  for (const index of [0, 1, 2, 3, 4, 5] as const) {
    const selector = 0x1000 + random.below(0xf000);
    guest.setSegment(index, { selector, base: selector * 16, limit: 0xffff, access });
  }
  state.ip = random.below(0x10000);
  if (mode === 'v86') {
    state.cpl = 3;
    state.eflags = 0x20202 | (random.oneIn(2) ? 0x3000 : 0);
    state.setControl(4, state.control(4) | random.below(2));
  } else {
    state.setControl(0, 0x10);
    state.idtr = { base: 0, limit: 0x3ff };
    for (let vector = 0; vector < 256; vector++)
      guest.writeWords(vector * 4, (random.below(0xf000) << 16) + 0x10000000 + random.below(0x10000));
  }
}

/** A stop of a random guest: why, and everything that may differ. */
export interface RandomStop {
  readonly exit: string;
  readonly state: string;
  readonly retired: number;
  readonly ip: number;
}

/** Runs with random budgets until the guest dies, freezes with an x87 error that nobody ends, or `instructions` have run. */
export function randomStops(guest: Guest, seed: number, instructions: number, largest: number): RandomStop[] {
  const random = new Random(seed);
  const stops: RandomStop[] = [];
  while (guest.cpu.retired < instructions) {
    const before = guest.cpu.retired;
    const exit = guest.run(1 + random.below(random.oneIn(3) ? 6 : largest));
    stops.push({ exit: describe(exit), state: stateOf(guest.cpu), retired: guest.cpu.retired, ip: guest.cpu.state.ip });
    if (exit.kind === 'halted' && guest.cpu.retired > before) guest.cpu.wake();
    else if (exit.kind !== 'budget' && exit.kind !== 'attention') return stops;
  }
  return stops;
}

function describe(exit: CpuExit): string {
  if (exit.kind === 'unimplemented') return `unimplemented: ${exit.what}`;
  if (exit.kind === 'triple-fault') return exit.chain.map(({ message }) => message).join('; ');
  return exit.kind === 'attention' ? 'budget' : exit.kind;
}

function stateOf(cpu: Cpu): string {
  const { registers, halted, devicePages } = cpu.save();
  const hash = createHash('sha1')
    .update(registers)
    .update(JSON.stringify([halted, devicePages]));
  return hash.update(cpu.state.bytes.subarray(FIRST_BYTE, FIRST_BYTE + cpu.state.ramSize)).digest('hex');
}
