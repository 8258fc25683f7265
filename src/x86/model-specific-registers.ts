import type { CpuFeature, CpuModel } from './cpu-model.ts';

/** One model-specific register of this machine's CPUs (SDM 4, chapter 2). */
export interface MsrFact {
  readonly index: number;
  readonly name: string;
  /** The feature that brings it. */
  readonly feature: CpuFeature;
  /** Bits that a write may set; a write of any other raises #GP. 0n: a write of 0 alone does no harm. */
  readonly writable: bigint;
  /** Value when a kernel is entered, as firmware leaves it. */
  readonly initial: bigint;
  /** Raises #GP when written at all. */
  readonly readOnly?: boolean;
  /** Memory types that bytes of a write may hold; empty where the register holds none. */
  readonly memoryTypes?: 'each-byte' | 'low-byte';
}

const ALL = 0xffffffffffffffffn;
const WORD = 0xffffffffn;
/** Address bits of a 36-bit MTRR, from bit 12. */
const PAGE_BITS = 0xffffff000n;
const WRITE_BACK = 0x0606060606060606n;

const row = (index: number, name: string, feature: CpuFeature, writable: bigint, initial = 0n): MsrFact => ({
  index,
  name,
  feature,
  writable,
  initial,
});

/** Ranges with fixed sizes: write-back below the VGA window, uncacheable from there to 0xbffff, write-protected ROM space. */
const FIXED_RANGES: readonly (readonly [number, string, bigint])[] = [
  [0x250, 'IA32_MTRR_FIX64K_00000', WRITE_BACK],
  [0x258, 'IA32_MTRR_FIX16K_80000', WRITE_BACK],
  [0x259, 'IA32_MTRR_FIX16K_A0000', 0n],
  ...['C0000', 'C8000', 'D0000', 'D8000', 'E0000', 'E8000', 'F0000', 'F8000'].map(
    (start, n) => [0x268 + n, `IA32_MTRR_FIX4K_${start}`, 0x0505050505050505n] as const,
  ),
];

/** Every MSR; the order is that of their slots in `MODEL_SPECIFIC` of the CPU's layout. */
export const MSR_FACTS: readonly MsrFact[] = [
  row(0x0, 'IA32_P5_MC_ADDR', 'MCE', 0n),
  row(0x1, 'IA32_P5_MC_TYPE', 'MCE', 0n),
  row(0x10, 'IA32_TIME_STAMP_COUNTER', 'TSC', ALL),
  { ...row(0x17, 'IA32_PLATFORM_ID', 'RDPMC', 0n), readOnly: true },
  row(0x1b, 'IA32_APIC_BASE', 'APIC', 0xffffff900n, 0xfee00900n),
  row(0x2a, 'EBL_CR_POWERON', 'RDPMC', 0n),
  row(0x79, 'IA32_BIOS_UPDT_TRIG', 'RDPMC', WORD),
  row(0x8b, 'IA32_BIOS_SIGN_ID', 'RDPMC', ALL),
  row(0xc1, 'IA32_PMC0', 'RDPMC', ALL),
  row(0xc2, 'IA32_PMC1', 'RDPMC', ALL),
  { ...row(0xfe, 'IA32_MTRRCAP', 'MTRR', 0n, 0x508n), readOnly: true },
  row(0x174, 'IA32_SYSENTER_CS', 'SEP', WORD),
  row(0x175, 'IA32_SYSENTER_ESP', 'SEP', WORD),
  row(0x176, 'IA32_SYSENTER_EIP', 'SEP', WORD),
  // No bank and no global control register (SDM 3, 15.3.1): nothing else of the machine-check architecture has to exist.
  { ...row(0x179, 'IA32_MCG_CAP', 'MCA', 0n), readOnly: true },
  row(0x17a, 'IA32_MCG_STATUS', 'MCA', 7n),
  row(0x186, 'IA32_PERFEVTSEL0', 'PERFEVTSEL', 0xffdfffffn),
  row(0x187, 'IA32_PERFEVTSEL1', 'PERFEVTSEL', 0xff9fffffn),
  row(0x1a0, 'IA32_MISC_ENABLE', 'PAT', 0x0000000000010889n, 1n),
  ...Array.from({ length: 8 }, (_, n): readonly MsrFact[] => [
    { ...row(0x200 + n * 2, `IA32_MTRR_PHYSBASE${n}`, 'MTRR', PAGE_BITS | 0xffn), memoryTypes: 'low-byte' },
    row(0x201 + n * 2, `IA32_MTRR_PHYSMASK${n}`, 'MTRR', PAGE_BITS | 0x800n),
  ]).flat(),
  ...FIXED_RANGES.map(([index, name, initial]): MsrFact => ({
    ...row(index, name, 'MTRR', ALL, initial),
    memoryTypes: 'each-byte',
  })),
  { ...row(0x277, 'IA32_PAT', 'PAT', ALL, 0x0007040600070406n), memoryTypes: 'each-byte' },
  { ...row(0x2ff, 'IA32_MTRR_DEF_TYPE', 'MTRR', 0xcffn, 0xc06n), memoryTypes: 'low-byte' },
  row(0xc0000080, 'IA32_EFER', 'NX', 0x800n),
];

/** Of CPUs that this machine is not: named, so that a refusal can name them. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  0x17b: 'IA32_MCG_CTL',
  0x1d9: 'IA32_DEBUGCTL',
  0xc0000081: 'IA32_STAR',
  0xc0000082: 'IA32_LSTAR',
  0xc0000084: 'IA32_FMASK',
  0xc0000100: 'IA32_FS_BASE',
  0xc0000101: 'IA32_GS_BASE',
  0xc0000102: 'IA32_KERNEL_GS_BASE',
};

/** Register numbers by use. */
export const MSR = {
  timeStampCounter: 0x10,
  apicBase: 0x1b,
  performanceCounter0: 0xc1,
  eventSelect0: 0x186,
  eventSelect1: 0x187,
  sysenterCs: 0x174,
  sysenterEsp: 0x175,
  sysenterEip: 0x176,
  pat: 0x277,
  efer: 0xc0000080,
} as const;

/** EFER bits (SDM 3, 2.2.1). */
export const EFER = { NXE: 1 << 11 } as const;

const SLOTS: ReadonlyMap<number, number> = new Map(MSR_FACTS.map(({ index }, slot) => [index, slot]));

/** Place of an MSR in {@link MSR_FACTS}; undefined for one that no model has. */
export function msrSlot(index: number): number | undefined {
  return SLOTS.get(index);
}

/** What a model knows about an MSR; undefined when it does not have it. */
export function msrOf(model: CpuModel, index: number): MsrFact | undefined {
  const slot = SLOTS.get(index);
  const fact = slot === undefined ? undefined : MSR_FACTS[slot];
  return fact !== undefined && model.features.has('MSR') && model.features.has(fact.feature) ? fact : undefined;
}

/** `MSR 0x1b (IA32_APIC_BASE)`. */
export function describeMsr(index: number): string {
  const slot = SLOTS.get(index);
  const name = (slot === undefined ? undefined : MSR_FACTS[slot]?.name) ?? OTHER_NAMES[index];
  return `MSR 0x${index.toString(16)}${name === undefined ? '' : ` (${name})`}`;
}
