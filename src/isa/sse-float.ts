import type { Description } from './instruction.ts';
import { simd } from './simd.ts';

/** Floating-point arithmetic, comparison and conversion of SSE and SSE2 (SDM 1, 10.4.1 and 11.4.1), by their operands. */
export const SSE_FLOAT: readonly Description[] = [
  ...simd('xmm_mmm64', 'Cvtpi2ps Cvtpi2pd'),
  ...simd('xmm_rm32', 'Cvtsi2ss Cvtsi2sd'),
  ...simd('mm_xmmm64', 'Cvttps2pi Cvtps2pi'),
  ...simd('mm_xmmm128', 'Cvttpd2pi Cvtpd2pi'),
  ...simd('r32_xmmm32', 'Cvttss2si Cvtss2si'),
  ...simd('r32_xmmm64', 'Cvttsd2si Cvtsd2si'),
  ...simd('xmm_xmmm32', 'Ucomiss Comiss Sqrtss Rsqrtss Rcpss Addss Mulss Cvtss2sd Subss Minss Divss Maxss'),
  ...simd('xmm_xmmm64', 'Ucomisd Comisd Sqrtsd Addsd Mulsd Cvtps2pd Cvtsd2ss Subsd Minsd Divsd Maxsd Cvtdq2pd'),
  ...simd(
    'xmm_xmmm128',
    'Sqrtps Sqrtpd Rsqrtps Rcpps Addps Addpd Mulps Mulpd Cvtpd2ps Cvtdq2ps Cvtps2dq Cvttps2dq Subps Subpd ' +
      'Minps Minpd Divps Divpd Maxps Maxpd Cvttpd2dq Cvtpd2dq',
  ),
  ...simd('xmm_xmmm128_imm8', 'Cmpps Cmppd'),
  ...simd('xmm_xmmm32_imm8', 'Cmpss'),
  ...simd('xmm_xmmm64_imm8', 'Cmpsd'),
];
