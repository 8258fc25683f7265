import type { CpuContext } from '../context.ts';
import {
  extractWord,
  high64,
  highToLow64,
  insertWord,
  low64,
  mergeHigh64,
  mergeLow32,
  mergeLow64,
  signMask,
  signMaskOfDoubles,
} from '../simd/moves.ts';
import { unsignedLanes } from '../simd/words.ts';
import { leaveMmx } from '../simd-state.ts';
import type { SystemOperations } from './operation.ts';
import {
  completeMmx,
  GENERAL,
  linearAddress,
  MMX,
  readRegister,
  requireRegisters,
  XMM,
  XMM_LOW32,
  XMM_LOW64,
  XMM_UNALIGNED,
  type Place,
  type RegisterFile,
  type SimdArguments,
} from './simd-access.ts';
import { forEach, source, toPlace, toRegister } from './simd-operation.ts';

/** The low 16 bits of a general register, or as much memory. */
const GENERAL_WORD: Place = { file: 'general', bytes: 2, aligned: false };

/** MASKMOVQ and MASKMOVDQU: the bytes whose mask byte has its sign bit set. Only those are written, but all must be writable. */
function maskedStore(cpu: CpuContext, args: SimdArguments, file: RegisterFile, bytes: number): void {
  const [index = 0, maskIndex = 0] = args;
  requireRegisters(cpu, file);
  const values = unsignedLanes(8, readRegister(cpu, file, index));
  const mask = unsignedLanes(8, readRegister(cpu, file, maskIndex));
  const linear = linearAddress(cpu, args, bytes, false, true);
  cpu.memory.probeWrite(linear, bytes, false, 1);
  values.forEach((value, n) => {
    if ((mask[n] ?? 0) >= 0x80) cpu.memory.write((linear + n) >>> 0, 8, value);
  });
  completeMmx(cpu, file);
}

function emptyMmxState(cpu: CpuContext): void {
  requireRegisters(cpu, 'mmx');
  leaveMmx(cpu.state);
}

/** Moves of MMX and XMM registers, by iced-x86's names of their encodings. */
export const simdMoveOperations: SystemOperations = {
  ...forEach(
    { Movaps: XMM, Movapd: XMM, Movdqa: XMM, Movups: XMM_UNALIGNED, Movupd: XMM_UNALIGNED, Movdqu: XMM_UNALIGNED },
    (mnemonic, place) => [
      [`${mnemonic}_xmm_xmmm128`, toRegister('xmm', place, source)],
      [`${mnemonic}_xmmm128_xmm`, toPlace(place, 'xmm', source)],
    ],
  ),
  Movntps_m128_xmm: toPlace(XMM, 'xmm', source),
  Movntpd_m128_xmm: toPlace(XMM, 'xmm', source),
  Movntdq_m128_xmm: toPlace(XMM, 'xmm', source),
  Movntq_m64_mm: toPlace(MMX, 'mmx', source),

  Movss_xmm_xmmm32: toRegister('xmm', XMM_LOW32, source, mergeLow32),
  Movss_xmmm32_xmm: toPlace(XMM_LOW32, 'xmm', source, mergeLow32),
  Movsd_xmm_xmmm64: toRegister('xmm', XMM_LOW64, source, mergeLow64),
  Movsd_xmmm64_xmm: toPlace(XMM_LOW64, 'xmm', source, mergeLow64),
  Movlps_xmm_m64: toRegister('xmm', XMM_LOW64, mergeLow64),
  Movlpd_xmm_m64: toRegister('xmm', XMM_LOW64, mergeLow64),
  Movhps_xmm_m64: toRegister('xmm', XMM_LOW64, mergeHigh64),
  Movhpd_xmm_m64: toRegister('xmm', XMM_LOW64, mergeHigh64),
  Movlps_m64_xmm: toPlace(XMM_LOW64, 'xmm', source),
  Movlpd_m64_xmm: toPlace(XMM_LOW64, 'xmm', source),
  Movhps_m64_xmm: toPlace(XMM_LOW64, 'xmm', high64),
  Movhpd_m64_xmm: toPlace(XMM_LOW64, 'xmm', high64),
  Movhlps_xmm_xmm: toRegister('xmm', XMM, highToLow64),
  Movlhps_xmm_xmm: toRegister('xmm', XMM, mergeHigh64),

  Movq_mm_mmm64: toRegister('mmx', MMX, source),
  Movq_mmm64_mm: toPlace(MMX, 'mmx', source),
  Movq_xmm_xmmm64: toRegister('xmm', XMM_LOW64, low64),
  Movq_xmmm64_xmm: toPlace(XMM_LOW64, 'xmm', low64),
  Movd_mm_rm32: toRegister('mmx', GENERAL, source),
  Movd_xmm_rm32: toRegister('xmm', GENERAL, source),
  Movd_rm32_mm: toPlace(GENERAL, 'mmx', source),
  Movd_rm32_xmm: toPlace(GENERAL, 'xmm', source),
  Movq2dq_xmm_mm: toRegister('xmm', MMX, low64),
  Movdq2q_mm_xmm: toRegister('mmx', XMM, low64),

  Pinsrw_mm_r32m16_imm8: toRegister('mmx', GENERAL_WORD, insertWord),
  Pinsrw_xmm_r32m16_imm8: toRegister('xmm', GENERAL_WORD, insertWord),
  Pextrw_r32_mm_imm8: toRegister('general', MMX, extractWord),
  Pextrw_r32_xmm_imm8: toRegister('general', XMM, extractWord),
  Pmovmskb_r32_mm: toRegister('general', MMX, signMask(8)),
  Pmovmskb_r32_xmm: toRegister('general', XMM, signMask(8)),
  Movmskps_r32_xmm: toRegister('general', XMM, signMask(32)),
  Movmskpd_r32_xmm: toRegister('general', XMM, signMaskOfDoubles),

  Maskmovq_rDI_mm_mm: (cpu, args) => maskedStore(cpu, args, 'mmx', 8),
  Maskmovdqu_rDI_xmm_xmm: (cpu, args) => maskedStore(cpu, args, 'xmm', 16),
  Emms: (cpu) => emptyMmxState(cpu),
};
