/** Names of the CPUs that the machine can be, for the launch attribute and the option `cpu`. */
export const CPU_MODEL_NAMES = ['default', '486', 'pentium', 'pentium-pro'] as const;
export type CpuModelName = (typeof CPU_MODEL_NAMES)[number];

/** Where CPUID reports a feature (SDM 2, CPUID, tables 3-11 and 3-15); undefined for what has no bit of its own. */
interface FeatureBit {
  readonly leaf: 1 | 0x80000001;
  readonly register: 'ecx' | 'edx';
  readonly bit: number;
}

const edx = (bit: number): FeatureBit => ({ leaf: 1, register: 'edx', bit });
const extended = (bit: number): FeatureBit => ({ leaf: 0x80000001, register: 'edx', bit });

/** What tells the models apart. A feature decides its CPUID bit, control register bits, MSRs and encodings together. */
export const CPU_FEATURES = {
  /** CPUID itself, EFLAGS.ID and CR4: from the late 486 on. */
  CPUID: undefined,
  FPU: edx(0),
  VME: edx(1),
  DE: edx(2),
  PSE: edx(3),
  TSC: edx(4),
  MSR: edx(5),
  PAE: edx(6),
  /** CR4.MCE; this machine never raises a machine check. */
  MCE: edx(7),
  CX8: edx(8),
  APIC: edx(9),
  SEP: edx(11),
  MTRR: edx(12),
  PGE: edx(13),
  /** Banks of machine-check registers; this machine has none of them. */
  MCA: edx(14),
  CMOV: edx(15),
  PAT: edx(16),
  PSE36: edx(17),
  CLFSH: edx(19),
  MMX: edx(23),
  FXSR: edx(24),
  SSE: edx(25),
  SSE2: edx(26),
  /** The no-execute bit of PAE page tables and EFER. */
  NX: extended(20),
  /** RDPMC and CR4.PCE. */
  RDPMC: undefined,
  /** The registers that choose what the performance counters count. */
  PERFEVTSEL: undefined,
  /** 0F 0D and 0F 18 to 0F 1F do nothing instead of raising #UD: from the P6 on. */
  HINT_NOP: undefined,
} as const satisfies Readonly<Record<string, FeatureBit | undefined>>;
export type CpuFeature = keyof typeof CPU_FEATURES;

/** One CPU: what it calls itself and what it has. */
export interface CpuModel {
  readonly name: CpuModelName;
  /** CPUID.1:EAX and the value of EDX after reset: type, family, model, stepping. */
  readonly signature: number;
  readonly features: ReadonlySet<CpuFeature>;
  /** Bits of a physical address, MAXPHYADDR: page table entries have the bits above reserved. */
  readonly physicalBits: 32 | 36;
  /** A write of the time stamp counter sets all 64 bits; earlier CPUs clear the upper half (SDM 3, 17.17.3). */
  readonly writesWholeTimeStamp: boolean;
}

const I486: readonly CpuFeature[] = ['FPU'];
const PENTIUM: readonly CpuFeature[] = [...I486, 'CPUID', 'VME', 'DE', 'PSE', 'TSC', 'MSR', 'MCE', 'CX8'];
const P6: readonly CpuFeature[] = [
  ...PENTIUM,
  ...(['PAE', 'APIC', 'MTRR', 'PGE', 'MCA', 'CMOV', 'RDPMC', 'HINT_NOP'] as const),
];
const PENTIUM_PRO: readonly CpuFeature[] = [...P6, 'PERFEVTSEL'];
/** Without counters to start: kernels test for them, and do without. */
const DEFAULT: readonly CpuFeature[] = [
  ...P6,
  ...(['SEP', 'PAT', 'PSE36', 'CLFSH', 'MMX', 'FXSR', 'SSE', 'SSE2', 'NX'] as const),
];

const MODELS: Readonly<Record<CpuModelName, CpuModel>> = {
  /** A 486 DX2, which has no CPUID. */
  '486': {
    name: '486',
    signature: 0x0435,
    features: new Set(I486),
    physicalBits: 32,
    writesWholeTimeStamp: false,
  },
  pentium: {
    name: 'pentium',
    signature: 0x0525,
    features: new Set(PENTIUM),
    physicalBits: 32,
    writesWholeTimeStamp: false,
  },
  'pentium-pro': {
    name: 'pentium-pro',
    signature: 0x0619,
    features: new Set(PENTIUM_PRO),
    physicalBits: 36,
    writesWholeTimeStamp: false,
  },
  /** A Pentium M (family 6, model 13): the last Intel CPU without long mode. */
  default: {
    name: 'default',
    signature: 0x06d8,
    features: new Set(DEFAULT),
    physicalBits: 36,
    writesWholeTimeStamp: true,
  },
};

/** The CPU of a name. */
export function cpuModel(name: CpuModelName): CpuModel {
  return MODELS[name];
}

/** The word of feature bits that a CPUID leaf reports for a model. */
export function cpuidFeatureWord(model: CpuModel, leaf: number, register: FeatureBit['register']): number {
  let word = 0;
  for (const [name, at] of Object.entries<FeatureBit | undefined>(CPU_FEATURES))
    if (at?.leaf === leaf && at.register === register && model.features.has(name as CpuFeature)) word |= 1 << at.bit;
  return word >>> 0;
}
