import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import type { SystemOperations } from './operation.ts';

/** CPUID results in the order EAX, EBX, ECX, EDX. */
export type CpuidLeaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

/** Leaf 1 EDX bits (SDM 2, CPUID, table 3-11). */
export const CPUID_FEATURE = { PSE: 1 << 3, TSC: 1 << 4, MSR: 1 << 5, CX8: 1 << 8, CMOV: 1 << 15 } as const;

const BRAND = 'Start of Day virtual CPU';
/** Family 6, model 1, stepping 9: a Pentium Pro. */
const SIGNATURE = 0x00000619;
const FEATURES = Object.values(CPUID_FEATURE).reduce((mask, bit) => mask | bit, 0);
/** One descriptor word in EAX, and no cache or TLB to describe. */
const NO_CACHES: CpuidLeaf = [1, 0, 0, 0];
const HIGHEST_BASIC = 2;
const HIGHEST_EXTENDED = 0x80000004;
const BRAND_LEAF = 0x80000002;

/** What the bare CPU answers. A leaf that does not exist gives the highest basic one (SDM 2, CPUID). */
export function cpuidLeaf(leaf: number): CpuidLeaf {
  switch (leaf) {
    case 0: {
      const [ebx, edx, ecx] = ['Genu', 'ineI', 'ntel'].map((text) => word(text, 0));
      return [HIGHEST_BASIC, ebx ?? 0, ecx ?? 0, edx ?? 0];
    }
    case 1:
      return [SIGNATURE, 0, 0, FEATURES];
    case 0x80000000:
      return [HIGHEST_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [0, 0, 0, 0];
    case BRAND_LEAF:
    case BRAND_LEAF + 1:
    case BRAND_LEAF + 2: {
      const at = (leaf - BRAND_LEAF) * 16;
      return [word(BRAND, at), word(BRAND, at + 4), word(BRAND, at + 8), word(BRAND, at + 12)];
    }
    default:
      return NO_CACHES;
  }
}

/** Four ASCII characters as a little-endian word; zero past the end. */
function word(text: string, at: number): number {
  const byte = (index: number): number => (index < text.length ? text.charCodeAt(index) : 0);
  return (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24)) >>> 0;
}

function identify({ state }: CpuContext): void {
  const [eax, ebx, ecx, edx] = cpuidLeaf(state.register32(REGISTER.eax));
  state.setRegister32(REGISTER.eax, eax);
  state.setRegister32(REGISTER.ebx, ebx);
  state.setRegister32(REGISTER.ecx, ecx);
  state.setRegister32(REGISTER.edx, edx);
}

export const cpuidOperations: SystemOperations = { cpuid: (cpu) => identify(cpu) };
