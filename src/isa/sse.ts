import type { Description } from './instruction.ts';
import { maskedStore, simd } from './simd.ts';

/** SSE instructions (SDM 1, chapter 10), by their operands. */
export const SSE: readonly Description[] = [
  ...simd('xmm_xmmm128', 'Movups Unpcklps Unpckhps Movaps Andps Andnps Orps Xorps'),
  ...simd('xmm_xmmm32', 'Movss'),
  ...simd('xmmm128_xmm', 'Movups Movaps'),
  ...simd('xmmm32_xmm', 'Movss'),
  ...simd('xmm_xmm', 'Movhlps Movlhps'),
  ...simd('xmm_m64', 'Movlps Movhps'),
  ...simd('m64_xmm', 'Movlps Movhps'),
  ...simd('m128_xmm', 'Movntps'),
  ...simd('r32_xmm', 'Movmskps'),
  ...simd('mm_mmm64_imm8', 'Pshufw'),
  ...simd('mm_r32m16_imm8', 'Pinsrw'),
  ...simd('r32_mm_imm8', 'Pextrw'),
  ...simd('xmm_xmmm128_imm8', 'Shufps'),
  ...simd('r32_mm', 'Pmovmskb'),
  ...simd('mm_mmm64', 'Pminub Pmaxub Pavgb Pavgw Pmulhuw Pminsw Pmaxsw Psadbw'),
  ...simd('m64_mm', 'Movntq'),
  maskedStore('Maskmovq_rDI_mm_mm'),
  ...simd('m32', 'Ldmxcsr Stmxcsr'),
  ...simd('m512byte', 'Fxsave Fxrstor'),
];
