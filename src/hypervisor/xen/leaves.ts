import type { CpuidLeaf } from '../../cpu/system/cpuid.ts';
import { signatureLeaf, withHypervisorBit } from '../signature.ts';
import { XEN_VERSION } from './information.ts';

/** First of Xen's CPUID leaves (xen/include/public/arch-x86/cpuid.h). */
export const XEN_LEAVES = 0x40000000;
/** MSR that a PVH guest writes the address of its hypercall page to. */
export const HYPERCALL_MSR = 0x40000000;
const SIGNATURE = 'XenVMMXenVMM';
const HIGHEST = XEN_LEAVES + 4;
const TSC_KILOHERTZ = 100_000;

/** Features of leaf 1 that a PV guest is not to use, by bit of EDX: VME PSE PGE MCE MCA MTRR PSE36 (Xen 4.2, traps.c, pv_cpuid). */
const HIDDEN = [1, 3, 13, 7, 14, 12, 17].reduce((mask, bit) => mask | (1 << bit), 0);

/** What CPUID says when Xen answers; `own` is the CPU's own answer. Undefined for that. */
export function xenLeaf(kind: 'pv' | 'pvh', leaf: number, subleaf: number, own: CpuidLeaf): CpuidLeaf | undefined {
  switch (leaf) {
    case 1: {
      const [eax, ebx, ecx, edx] = withHypervisorBit(own);
      return kind === 'pv' ? [eax, ebx, ecx, (edx & ~HIDDEN) >>> 0] : [eax, ebx, ecx, edx];
    }
    case XEN_LEAVES:
      return signatureLeaf(HIGHEST, SIGNATURE);
    case XEN_LEAVES + 1:
      return [XEN_VERSION, 0, 0, 0];
    case XEN_LEAVES + 2:
      return [1, HYPERCALL_MSR, kind === 'pv' ? 1 : 0, 0];
    case XEN_LEAVES + 3:
      return subleaf === 0 ? [2, 0, TSC_KILOHERTZ, 0] : [0, 0, 0, 0];
    case XEN_LEAVES + 4:
      return [0, 0, 0, 0];
    default:
      return undefined;
  }
}
