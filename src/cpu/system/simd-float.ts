import { hex } from '../../util/hex.ts';
import { CR4 } from '../../x86/control-registers.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { compare } from '../floating-point/binary-arithmetic.ts';
import { DOUBLE, SINGLE, type BinaryFormat, type FloatControl } from '../floating-point/binary-format.ts';
import { EXCEPTION, roundingOf } from '../floating-point/environment.ts';
import { MXCSR, readMxcsr, writeMxcsr } from '../simd-state.ts';
import { reciprocal, reciprocalSquareRoot } from '../simd/float-approximation.ts';
import { COMPARISON_FLAGS, FLOAT_ARITHMETIC, FLOAT_COMPARISON, PRE_COMPUTATION } from '../simd/float-arithmetic.ts';
import { CONVERSION } from '../simd/float-conversion.ts';
import { FLOAT_SUFFIX, packed, patterns, scalar, type FloatFunction, type LaneFunction } from '../simd/float-lanes.ts';
import { invalidOpcode, type SystemOperation, type SystemOperations } from './operation.ts';
import {
  completeMmx,
  GENERAL,
  MEMORY,
  MMX,
  readMemory,
  readRegister,
  requireRegisters,
  writeRegister,
  XMM,
  XMM_LOW32,
  XMM_LOW64,
  type Place,
  type RegisterFile,
} from './simd-access.ts';
import type { NamedOperation } from './simd-operation.ts';

const STATUS_FLAGS = EFLAGS.CF | EFLAGS.PF | EFLAGS.AF | EFLAGS.ZF | EFLAGS.SF | EFLAGS.OF;
const EXCEPTION_NAMES = [
  'invalid operation',
  'denormal operand',
  'division by zero',
  'overflow',
  'underflow',
  'inexact result',
];

/** What arithmetic takes from MXCSR. */
function controlOf(mxcsr: number): FloatControl {
  const masks = mxcsr >>> MXCSR.maskShift;
  return {
    rounding: roundingOf(mxcsr >>> MXCSR.roundingShift),
    flushToZero: (mxcsr & MXCSR.FTZ) !== 0,
    denormalsAreZero: (mxcsr & MXCSR.DAZ) !== 0,
    underflowMasked: (masks & EXCEPTION.underflow) !== 0,
    overflowMasked: (masks & EXCEPTION.overflow) !== 0,
  };
}

/**
 * Adds exceptions to MXCSR, and raises the unmasked ones (SDM 1, 11.5.3): #XM, or #UD while CR4.OSXMMEXCPT is 0. An unmasked one
 * that comes before the computation hides those that follow from a result. The destination must not have been written yet.
 */
function signal({ state }: CpuContext, flags: number): void {
  if (flags === 0) return;
  const mxcsr = readMxcsr(state);
  const unmasked = ~(mxcsr >>> MXCSR.maskShift);
  const reported = (flags & unmasked & PRE_COMPUTATION) !== 0 ? flags & PRE_COMPUTATION : flags;
  const after = mxcsr | reported;
  writeMxcsr(state, after);
  const raised = reported & unmasked;
  if (raised === 0) return;
  const names = EXCEPTION_NAMES.filter((_, bit) => ((raised >>> bit) & 1) !== 0).join(', ');
  const reason = `SSE: ${names}, not masked in MXCSR ${hex(after, 4)}`;
  const cr4 = state.control(4);
  if ((cr4 & CR4.OSXMMEXCPT) === 0) throw invalidOpcode(`${reason}, while CR4.OSXMMEXCPT is 0`, { mxcsr: after, cr4 });
  throw new CpuFault(VECTOR.XM, undefined, reason, { mxcsr: after });
}

/** An instruction with a register as destination. */
function toRegister(file: RegisterFile, from: Place, f: FloatFunction): SystemOperation {
  return (cpu, args) => {
    const [destination = 0, operand = 0, immediate = 0] = args;
    const inMemory = operand === MEMORY;
    // CVTPI2PS and CVTPI2PD leave the x87 unit alone when their source is in memory.
    const sourceFile = inMemory && from.file === 'mmx' ? 'xmm' : from.file;
    requireRegisters(cpu, file, sourceFile);
    const source = inMemory ? readMemory(cpu, args, from) : readRegister(cpu, from.file, operand);
    const control = controlOf(readMxcsr(cpu.state));
    const { words, flags } = f(readRegister(cpu, file, destination), source, control, immediate);
    // CPUs change to MMX state before they look at the exceptions of the conversion.
    completeMmx(cpu, file, sourceFile);
    signal(cpu, flags);
    writeRegister(cpu, file, destination, words);
  };
}

/** COMISS and its kin; `signaling`: a quiet NaN is an invalid operand. */
function compareInto(format: BinaryFormat, signaling: boolean): SystemOperation {
  const from = format.width === 32 ? XMM_LOW32 : XMM_LOW64;
  return (cpu, args) => {
    const [first = 0, operand = 0] = args;
    requireRegisters(cpu, 'xmm');
    const source = operand === MEMORY ? readMemory(cpu, args, from) : readRegister(cpu, 'xmm', operand);
    const [a = 0n] = patterns(format, readRegister(cpu, 'xmm', first));
    const [b = 0n] = patterns(format, source);
    const { relation, flags } = compare(format, a, b, controlOf(readMxcsr(cpu.state)), signaling);
    signal(cpu, flags);
    cpu.state.eflags = (cpu.state.eflags & ~STATUS_FLAGS) | COMPARISON_FLAGS[relation];
  };
}

const SOURCES = { ps: XMM, pd: XMM, ss: XMM_LOW32, sd: XMM_LOW64 } as const;
const OPERANDS = { ps: 'xmm_xmmm128', pd: 'xmm_xmmm128', ss: 'xmm_xmmm32', sd: 'xmm_xmmm64' } as const;

/** The packed and scalar instructions of both formats. */
function inAllFormats(table: Readonly<Record<string, LaneFunction>>, ending = ''): SystemOperations {
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, f]) =>
      (['ps', 'ss', 'pd', 'sd'] as const).map((suffix): NamedOperation => {
        const { format, lanes } = FLOAT_SUFFIX[suffix];
        return [`${name}${suffix}_${OPERANDS[suffix]}${ending}`, toRegister('xmm', SOURCES[suffix], lanes(format, f))];
      }),
    ),
  );
}

/** Floating-point instructions of SSE and SSE2, by iced-x86's names of their encodings. */
export const simdFloatOperations: SystemOperations = {
  ...inAllFormats(FLOAT_ARITHMETIC),
  ...inAllFormats(FLOAT_COMPARISON, '_imm8'),
  Rcpps_xmm_xmmm128: toRegister('xmm', XMM, packed(SINGLE, reciprocal)),
  Rcpss_xmm_xmmm32: toRegister('xmm', XMM_LOW32, scalar(SINGLE, reciprocal)),
  Rsqrtps_xmm_xmmm128: toRegister('xmm', XMM, packed(SINGLE, reciprocalSquareRoot)),
  Rsqrtss_xmm_xmmm32: toRegister('xmm', XMM_LOW32, scalar(SINGLE, reciprocalSquareRoot)),
  Comiss_xmm_xmmm32: compareInto(SINGLE, true),
  Comisd_xmm_xmmm64: compareInto(DOUBLE, true),
  Ucomiss_xmm_xmmm32: compareInto(SINGLE, false),
  Ucomisd_xmm_xmmm64: compareInto(DOUBLE, false),
  Cvtps2pd_xmm_xmmm64: toRegister('xmm', XMM_LOW64, CONVERSION.Cvtps2pd),
  Cvtpd2ps_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvtpd2ps),
  Cvtss2sd_xmm_xmmm32: toRegister('xmm', XMM_LOW32, CONVERSION.Cvtss2sd),
  Cvtsd2ss_xmm_xmmm64: toRegister('xmm', XMM_LOW64, CONVERSION.Cvtsd2ss),
  Cvtdq2ps_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvtdq2ps),
  Cvtdq2pd_xmm_xmmm64: toRegister('xmm', XMM_LOW64, CONVERSION.Cvtdq2pd),
  Cvtpi2ps_xmm_mmm64: toRegister('xmm', MMX, CONVERSION.Cvtpi2ps),
  Cvtpi2pd_xmm_mmm64: toRegister('xmm', MMX, CONVERSION.Cvtpi2pd),
  Cvtsi2ss_xmm_rm32: toRegister('xmm', GENERAL, CONVERSION.Cvtsi2ss),
  Cvtsi2sd_xmm_rm32: toRegister('xmm', GENERAL, CONVERSION.Cvtsi2sd),
  Cvtps2dq_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvtps2dq),
  Cvttps2dq_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvttps2dq),
  Cvtpd2dq_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvtpd2dq),
  Cvttpd2dq_xmm_xmmm128: toRegister('xmm', XMM, CONVERSION.Cvttpd2dq),
  Cvtps2pi_mm_xmmm64: toRegister('mmx', XMM_LOW64, CONVERSION.Cvtps2pi),
  Cvttps2pi_mm_xmmm64: toRegister('mmx', XMM_LOW64, CONVERSION.Cvttps2pi),
  Cvtpd2pi_mm_xmmm128: toRegister('mmx', XMM, CONVERSION.Cvtpd2pi),
  Cvttpd2pi_mm_xmmm128: toRegister('mmx', XMM, CONVERSION.Cvttpd2pi),
  Cvtss2si_r32_xmmm32: toRegister('general', XMM_LOW32, CONVERSION.Cvtss2si),
  Cvttss2si_r32_xmmm32: toRegister('general', XMM_LOW32, CONVERSION.Cvttss2si),
  Cvtsd2si_r32_xmmm64: toRegister('general', XMM_LOW64, CONVERSION.Cvtsd2si),
  Cvttsd2si_r32_xmmm64: toRegister('general', XMM_LOW64, CONVERSION.Cvttsd2si),
};
