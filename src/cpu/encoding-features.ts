import * as iced from 'iced-x86';
import { INSTRUCTION_SET } from '../isa/index.ts';
import { describe, type Description } from '../isa/instruction.ts';
import { constant } from '../isa/value.ts';
import type { CpuFeature, CpuModel } from '../x86/cpu-model.ts';

/**
 * What iced-x86's features need of a model; `every` is in all of them. What is not here no model has: features of other makers and of
 * single models (286 LOADALL, 386 XBTS), of system management mode, and everything later than the Pentium M.
 */
const NEEDS: Readonly<Record<string, CpuFeature | 'every'>> = {
  INTEL8086: 'every',
  INTEL186: 'every',
  INTEL286: 'every',
  INTEL386: 'every',
  INTEL486: 'every',
  /** REP NOP to CPUs that do not know it. */
  PAUSE: 'every',
  /** Every model has an x87 unit: what the machine lacks of it stops it by name. */
  FPU: 'every',
  FPU287: 'every',
  FPU387: 'every',
  CPUID: 'CPUID',
  TSC: 'TSC',
  MSR: 'MSR',
  CX8: 'CX8',
  CMOV: 'CMOV',
  RDPMC: 'RDPMC',
  SEP: 'SEP',
  MULTIBYTENOP: 'HINT_NOP',
  MMX: 'MMX',
  FXSR: 'FXSR',
  SSE: 'SSE',
  SSE2: 'SSE2',
  CLFSH: 'CLFSH',
};

const HINTS: ReadonlySet<number> = new Set([0x0d, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f]);
const INVALID_OPCODE = 6;

/**
 * What stands in the place of an encoding that a model does not have: nothing at all for the hint space of the P6 (SDM 2, NOP), #UD with
 * the missing feature's name elsewhere. Undefined when the model has the encoding. `mnemonic` names it in the reason.
 */
export function replacedOn(model: CpuModel, code: iced.Code, mnemonic: string): Description | undefined {
  // The instructions for asking a hypervisor raise #UD by themselves where there is none.
  if (code === iced.Code.INVALID || code === iced.Code.Vmcall || code === iced.Code.Vmmcall) return undefined;
  const name = iced.Code[code];
  if (isHint(code))
    return model.features.has('HINT_NOP')
      ? INSTRUCTION_SET.get('Nop')
      : undefinedOn(model, name, mnemonic, 'hint NOPs');
  for (const feature of featuresOf(code)) {
    const need = NEEDS[feature];
    if (need === 'every' || (need !== undefined && model.features.has(need))) continue;
    return undefinedOn(model, name, mnemonic, feature);
  }
  return undefined;
}

function undefinedOn(model: CpuModel, name: string, mnemonic: string, feature: string): Description {
  const reason = `${mnemonic} needs ${feature}, which cpu "${model.name}" does not have`;
  return describe(`${name}?`, (i) => i.raise(constant(1, 1), INVALID_OPCODE, undefined, reason), { endsBlock: true });
}

function featuresOf(code: iced.Code): string[] {
  const instruction = new iced.Instruction();
  try {
    instruction.code = code;
    return Array.from(instruction.cpuidFeatures(), (feature) => iced.CpuidFeature[feature] ?? '');
  } finally {
    instruction.free();
  }
}

/** 0F 0D and 0F 18 to 0F 1F, whatever later CPUs made of them (prefetches, ENDBR, MPX, CLDEMOTE). */
function isHint(code: iced.Code): boolean {
  const info = iced.CodeExt.opCode(code);
  try {
    const { encoding, table, opCode } = info;
    // ENDBR's opcode is iced-x86's 1EFB: the ModRM byte belongs to it.
    const first = opCode > 0xff ? opCode >>> 8 : opCode;
    return encoding === iced.EncodingKind.Legacy && table === iced.OpCodeTableKind.T0F && HINTS.has(first);
  } finally {
    info.free();
  }
}
