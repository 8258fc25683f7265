/** Values by name: `eax`, `cs.base`, `gdtr.limit`. */
export type MachineState = Readonly<Record<string, number>>;

export const GENERAL = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'] as const;
export const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export const CONTROLS = [0, 3, 4] as const;

/** A difference that is QEMU's liberty, or that nobody promises: left out of a comparison, with the reason. */
export interface Liberty {
  readonly name: string;
  readonly reason: string;
}

export const LIBERTIES = {
  codeAccessed: {
    name: 'accessed bit of a code segment',
    reason: 'loading a segment register sets it (SDM 3, 3.4.5.1); QEMU does not set it for CS',
  },
  nullSegment: {
    name: 'hidden part of a null segment',
    reason: 'a null selector makes the segment unusable; what stays of base and limit is not seen (SDM 3, 3.4.2)',
  },
  undefinedFlags: {
    name: 'undefined flags',
    reason: 'the SDM calls them undefined after the instruction that wrote them last',
  },
  firmware: {
    name: 'the area from 640 KiB to 1 MiB',
    reason: "holds QEMU's firmware and display; this machine has no firmware",
  },
  entry: {
    name: 'what Multiboot leaves open at the entry',
    reason:
      'Multiboot 0.6.96, 3.2: memory outside the image and these registers are taken from QEMU before the first instruction',
  },
} as const satisfies Record<string, Liberty>;

/** A value that differs. */
export interface Difference {
  readonly what: string;
  readonly ours: number;
  readonly qemu: number;
}

const ACCESSED = 0x100;
/** Attributes of a descriptor, without the upper bits of its limit, which the limit itself holds (SDM 3, figure 3-8). */
const ATTRIBUTES = 0xf0ff00;

/** What differs of registers, without the liberties; `undefinedFlags` are bits of EFLAGS. */
export function stateDifferences(ours: MachineState, qemu: MachineState, undefinedFlags: number): Difference[] {
  const differences: Difference[] = [];
  for (const [what, theirs] of Object.entries(qemu)) {
    const mine = ours[what];
    if (mine === undefined) continue;
    const [segment = '', field] = what.split('.');
    const hidden = field !== undefined && segment.length === 2;
    // LIBERTIES.nullSegment
    if (hidden && ((qemu[segment] ?? 0) & ~3) === 0) continue;
    let mask = field === 'access' ? ATTRIBUTES : 0xffffffff;
    // LIBERTIES.undefinedFlags
    if (what === 'eflags') mask = ~undefinedFlags;
    // LIBERTIES.codeAccessed
    if (field === 'access' && segment === 'cs') mask = ATTRIBUTES & ~ACCESSED;
    if (((mine ^ theirs) & mask) !== 0) differences.push({ what, ours: mine >>> 0, qemu: theirs >>> 0 });
  }
  return differences;
}

const PAGE = 0x1000;
const FIRMWARE = { start: 0xa0000, end: 0x100000 } as const;
const CODE_DESCRIPTOR = 0x18;

/** Physical bytes that differ, without the liberties, at most `most`; `gdt` is where the table lies, linear and physical the same. */
export function memoryDifferences(
  ours: Uint8Array,
  qemu: Uint8Array,
  gdt: { readonly base: number; readonly limit: number },
  most: number,
): Difference[] {
  const differences: Difference[] = [];
  for (let page = 0; page < ours.length && differences.length < most; page += PAGE) {
    // LIBERTIES.firmware
    if (page >= FIRMWARE.start && page < FIRMWARE.end) continue;
    if (Buffer.compare(ours.subarray(page, page + PAGE), qemu.subarray(page, page + PAGE)) === 0) continue;
    for (let at = page; at < page + PAGE && differences.length < most; at++) {
      const [mine = 0, theirs = 0] = [ours[at], qemu[at]];
      if (mine === theirs) continue;
      // LIBERTIES.codeAccessed
      const inGdt = at >= gdt.base && at <= gdt.base + gdt.limit && (at - gdt.base) % 8 === 5;
      if (inGdt && (mine ^ theirs) === 1 && (theirs & CODE_DESCRIPTOR) === CODE_DESCRIPTOR) continue;
      differences.push({ what: `memory 0x${at.toString(16).padStart(8, '0')}`, ours: mine, qemu: theirs });
    }
  }
  return differences;
}
