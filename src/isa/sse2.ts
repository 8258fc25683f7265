import type { Description } from './instruction.ts';
import { maskedStore, simd } from './simd.ts';

/** SSE2 instructions (SDM 1, chapter 11), by their operands. */
export const SSE2: readonly Description[] = [
  ...simd(
    'xmm_xmmm128',
    'Movupd Unpcklpd Unpckhpd Movapd Andpd Andnpd Orpd Xorpd Punpcklbw Punpcklwd Punpckldq Packsswb ' +
      'Pcmpgtb Pcmpgtw Pcmpgtd Packuswb Punpckhbw Punpckhwd Punpckhdq Packssdw Punpcklqdq Punpckhqdq Movdqa ' +
      'Movdqu Pcmpeqb Pcmpeqw Pcmpeqd Psrlw Psrld Psrlq Paddq Pmullw Psubusb Psubusw Pminub Pand Paddusb ' +
      'Paddusw Pmaxub Pandn Pavgb Psraw Psrad Pavgw Pmulhuw Pmulhw Psubsb Psubsw Pminsw Por Paddsb Paddsw ' +
      'Pmaxsw Pxor Psllw Pslld Psllq Pmuludq Pmaddwd Psadbw Psubb Psubw Psubd Psubq Paddb Paddw Paddd',
  ),
  ...simd('xmm_xmmm64', 'Movsd Movq'),
  ...simd('xmmm128_xmm', 'Movupd Movapd Movdqa Movdqu'),
  ...simd('xmmm64_xmm', 'Movsd Movq'),
  ...simd('xmm_m64', 'Movlpd Movhpd'),
  ...simd('m64_xmm', 'Movlpd Movhpd'),
  ...simd('m128_xmm', 'Movntpd Movntdq'),
  ...simd('r32_xmm', 'Movmskpd Pmovmskb'),
  ...simd('xmm_rm32', 'Movd'),
  ...simd('xmm_xmmm128_imm8', 'Pshufd Pshufhw Pshuflw Shufpd'),
  ...simd('xmm_imm8', 'Psrlw Psraw Psllw Psrld Psrad Pslld Psrlq Psrldq Psllq Pslldq'),
  ...simd('rm32_xmm', 'Movd'),
  ...simd('xmm_r32m16_imm8', 'Pinsrw'),
  ...simd('r32_xmm_imm8', 'Pextrw'),
  ...simd('xmm_mm', 'Movq2dq'),
  ...simd('mm_xmm', 'Movdq2q'),
  ...simd('mm_mmm64', 'Pmuludq Psubq'),
  maskedStore('Maskmovdqu_rDI_xmm_xmm'),
];
