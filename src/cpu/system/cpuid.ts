import { cpuidFeatureWord, type CpuModel } from '../../x86/cpu-model.ts';
import { MSR } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import type { CpuState } from '../state.ts';
import type { SystemOperations } from './operation.ts';

/** CPUID results in the order EAX, EBX, ECX, EDX. */
export type CpuidLeaf = readonly [eax: number, ebx: number, ecx: number, edx: number];

const BRAND = 'Start of Day virtual CPU';
/** CLFLUSH line in units of 8 bytes, at EBX bits 8-15 of leaf 1. */
const CLFLUSH_LINE = 8 << 8;
/** One descriptor word in EAX, and no cache or TLB to describe. */
const NO_CACHES: CpuidLeaf = [1, 0, 0, 0];
const HIGHEST_BASIC = 2;
const HIGHEST_EXTENDED = 0x80000008;
const BRAND_LEAF = 0x80000002;

/** What a model answers. A leaf that does not exist gives the highest basic one (SDM 2, CPUID). */
export function cpuidLeaf(model: CpuModel, leaf: number): CpuidLeaf {
  const features = (register: 'ecx' | 'edx'): number => cpuidFeatureWord(model, leaf, register);
  const basic = model.features.has('PAE') ? HIGHEST_BASIC : 1;
  if (leaf > basic && !(model.features.has('NX') && leaf >= 0x80000000 && leaf <= HIGHEST_EXTENDED))
    return basic === 1 ? cpuidLeaf(model, 1) : NO_CACHES;
  switch (leaf) {
    case 0: {
      const [ebx, edx, ecx] = ['Genu', 'ineI', 'ntel'].map((text) => word(text, 0));
      return [basic, ebx ?? 0, ecx ?? 0, edx ?? 0];
    }
    case 1:
      return [model.signature, model.features.has('CLFSH') ? CLFLUSH_LINE : 0, features('ecx'), features('edx')];
    case 0x80000000:
      return [HIGHEST_EXTENDED, 0, 0, 0];
    case 0x80000001:
      return [0, 0, features('ecx'), features('edx')];
    case HIGHEST_EXTENDED:
      // No linear address is wider than 32 bits.
      return [model.physicalBits | (32 << 8), 0, 0, 0];
    case 0x80000005:
    case 0x80000006:
    case 0x80000007:
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

/** Leaf 1 EDX bit 9; it follows the global enable of IA32_APIC_BASE (SDM 3, 10.4.3). */
const APIC_FEATURE = 1 << 9;
const APIC_ENABLE = 1n << 11n;

function identify({ state, intercepts }: CpuContext): void {
  const leaf = state.register32(REGISTER.eax);
  const own = ownLeaf(state, leaf);
  const [eax, ebx, ecx, edx] = intercepts?.cpuid?.(leaf, state.register32(REGISTER.ecx), own) ?? own;
  state.setRegister32(REGISTER.eax, eax);
  state.setRegister32(REGISTER.ebx, ebx);
  state.setRegister32(REGISTER.ecx, ecx);
  state.setRegister32(REGISTER.edx, edx);
}

/** What the CPU answers as it stands. */
function ownLeaf(state: CpuState, leaf: number): CpuidLeaf {
  const [eax, ebx, ecx, edx] = cpuidLeaf(state.model, leaf);
  const apicOff =
    leaf === 1 && state.model.features.has('APIC') && (state.modelSpecific(MSR.apicBase) & APIC_ENABLE) === 0n;
  return [eax, ebx, ecx, apicOff ? edx & ~APIC_FEATURE : edx];
}

export const cpuidOperations: SystemOperations = { cpuid: (cpu) => identify(cpu) };
