import type { Width } from '../isa/value.ts';

const SUFFIX: Readonly<Record<string, Width>> = { b: 8, w: 16, d: 32, q: 64 };

/** Conversions whose last letter is not their own size. */
const BY_NAME: Readonly<Record<string, Width>> = { Cwd: 16, Cdq: 32 };

/**
 * The operand size of an iced-x86 code, from its name: `Add_rm32_r32`, `Mov_AL_moffs8`, `Pushfd`, `Call_rel32_32`, `Les_r16_m1616`.
 * Codes without operands carry a size letter at the end of the mnemonic where they have a size at all.
 */
export function operandSizeOf(codeName: string): Width {
  const [mnemonic = '', ...operands] = codeName.split('_');
  const named = BY_NAME[mnemonic];
  if (named !== undefined) return named;
  if (codeName.endsWith('_16')) return 16;
  for (const operand of operands) {
    const size = sizeOfOperand(operand);
    if (size !== undefined) return size;
  }
  const relative = /_rel(?:8|16|32)_(16|32)|_rel(16|32)$/.exec(codeName);
  if (relative !== null) return Number(relative[1] ?? relative[2]) as Width;
  const letter = /^[A-Z][a-z0-9]*?([bwdq])$/.exec(mnemonic)?.[1];
  if (letter !== undefined) return SUFFIX[letter] ?? 32;
  return operands[0] === 'imm16' ? 16 : 32;
}

function sizeOfOperand(operand: string): Width | undefined {
  if (operand === 'AL') return 8;
  if (operand === 'AX') return 16;
  if (operand === 'EAX') return 32;
  const match = /^(?:m|ptr)16(16|32)$/.exec(operand) ?? /^(?:r|rm|m|moffs)(8|16|32|64)(?:m16)?$/.exec(operand);
  return match === null ? undefined : (Number(match[1]) as Width);
}
