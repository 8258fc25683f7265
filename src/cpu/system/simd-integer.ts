import { FLOAT_LOGIC, PACKED_ARITHMETIC } from '../simd/packed-arithmetic.ts';
import { BYTE_SHIFT, SHIFT, shiftCount } from '../simd/shift.ts';
import { INTERLEAVE, INTERLEAVE_LOW, INTERLEAVE_XMM, SHUFFLE } from '../simd/shuffle.ts';
import { MMX, XMM, type Place } from './simd-access.ts';
import { forEach, toRegister } from './simd-operation.ts';
import type { SystemOperations } from './operation.ts';

/** The low half of an MMX register, or as much memory. */
const MMX_LOW32: Place = { file: 'mmx', bytes: 4, aligned: false };

/** Integer instructions, shuffles and shifts of MMX and XMM registers, by iced-x86's names of their encodings. */
export const simdIntegerOperations: SystemOperations = {
  ...forEach({ ...PACKED_ARITHMETIC, ...INTERLEAVE }, (mnemonic, f) => [
    [`${mnemonic}_mm_mmm64`, toRegister('mmx', MMX, f)],
    [`${mnemonic}_xmm_xmmm128`, toRegister('xmm', XMM, f)],
  ]),
  ...forEach(INTERLEAVE_LOW, (mnemonic, f) => [
    [`${mnemonic}_mm_mmm32`, toRegister('mmx', MMX_LOW32, f)],
    [`${mnemonic}_xmm_xmmm128`, toRegister('xmm', XMM, f)],
  ]),
  ...forEach({ ...INTERLEAVE_XMM, ...FLOAT_LOGIC }, (mnemonic, f) => [
    [`${mnemonic}_xmm_xmmm128`, toRegister('xmm', XMM, f)],
  ]),
  ...forEach(SHIFT, (mnemonic, f) => [
    [`${mnemonic}_mm_mmm64`, toRegister('mmx', MMX, (a, b) => f(a, shiftCount(b)))],
    [`${mnemonic}_xmm_xmmm128`, toRegister('xmm', XMM, (a, b) => f(a, shiftCount(b)))],
    [`${mnemonic}_mm_imm8`, toRegister('mmx', MMX, (a, _b, count) => f(a, count))],
    [`${mnemonic}_xmm_imm8`, toRegister('xmm', XMM, (a, _b, count) => f(a, count))],
  ]),
  ...forEach(BYTE_SHIFT, (mnemonic, f) => [
    [`${mnemonic}_xmm_imm8`, toRegister('xmm', XMM, (a, _b, count) => f(a, count))],
  ]),
  Pshufw_mm_mmm64_imm8: toRegister('mmx', MMX, SHUFFLE.Pshufw),
  Pshufd_xmm_xmmm128_imm8: toRegister('xmm', XMM, SHUFFLE.Pshufd),
  Pshuflw_xmm_xmmm128_imm8: toRegister('xmm', XMM, SHUFFLE.Pshuflw),
  Pshufhw_xmm_xmmm128_imm8: toRegister('xmm', XMM, SHUFFLE.Pshufhw),
  Shufps_xmm_xmmm128_imm8: toRegister('xmm', XMM, SHUFFLE.Shufps),
  Shufpd_xmm_xmmm128_imm8: toRegister('xmm', XMM, SHUFFLE.Shufpd),
};
