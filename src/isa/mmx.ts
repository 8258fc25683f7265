import type { Description } from './instruction.ts';
import { simd } from './simd.ts';

/** MMX instructions (SDM 1, chapter 9), by their operands. */
export const MMX: readonly Description[] = [
  ...simd('mm_mmm32', 'Punpcklbw Punpcklwd Punpckldq'),
  ...simd(
    'mm_mmm64',
    'Packsswb Pcmpgtb Pcmpgtw Pcmpgtd Packuswb Punpckhbw Punpckhwd Punpckhdq Packssdw Movq Pcmpeqb ' +
      'Pcmpeqw Pcmpeqd Psrlw Psrld Psrlq Paddq Pmullw Psubusb Psubusw Pand Paddusb Paddusw Pandn Psraw ' +
      'Psrad Pmulhw Psubsb Psubsw Por Paddsb Paddsw Pxor Psllw Pslld Psllq Pmaddwd Psubb Psubw Psubd Paddb ' +
      'Paddw Paddd',
  ),
  ...simd('mm_rm32', 'Movd'),
  ...simd('mm_imm8', 'Psrlw Psraw Psllw Psrld Psrad Pslld Psrlq Psllq'),
  ...simd('', 'Emms'),
  ...simd('rm32_mm', 'Movd'),
  ...simd('mmm64_mm', 'Movq'),
];
