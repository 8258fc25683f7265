import type { CpuidLeaf } from '../cpu/system/cpuid.ts';

/** CPUID.1:ECX bit 31, which no CPU sets: something stands under the guest. */
const HYPERVISOR_PRESENT = 0x80000000;

/** Leaf 1 of a guest that is to know that it has a hypervisor. */
export function withHypervisorBit([eax, ebx, ecx, edx]: CpuidLeaf): CpuidLeaf {
  return [eax, ebx, (ecx | HYPERVISOR_PRESENT) >>> 0, edx];
}

/** The first leaf of a hypervisor: the highest one in EAX, and twelve characters in EBX, ECX, EDX. */
export function signatureLeaf(highest: number, signature: string): CpuidLeaf {
  const word = (at: number): number =>
    [0, 1, 2, 3].reduce((value, n) => (value | ((signature.charCodeAt(at + n) || 0) << (8 * n))) >>> 0, 0);
  return [highest, word(0), word(4), word(8)];
}
