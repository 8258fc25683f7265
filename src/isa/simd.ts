import { describe, REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value } from './value.ts';

/** In the place of a register number: the operand is in memory. */
const MEMORY = constant(8, 8);
const NOTHING = constant(8, 0);

/**
 * Descriptions of MMX and SSE encodings: mnemonics (separated by spaces) with the same operands, both as iced-x86 names them. What they
 * do is a system operation with the name of the encoding. Its operands are the numbers of two registers (8 for memory; the first again
 * where there is no second), the immediate byte, and segment and offset of the memory operand.
 */
export function simd(operands: string, mnemonics: string): Description[] {
  return mnemonics.split(' ').map((mnemonic) => {
    const codeName = operands === '' ? mnemonic : `${mnemonic}_${operands}`;
    return describe(codeName, (i) => {
      const { binding } = i;
      const inMemory = binding.kinds.includes('m');
      const first = operandNumber(i, 0);
      const second = /^[vrm]{2}/.test(binding.kinds) ? operandNumber(i, 1) : first;
      const immediate = binding.kinds.endsWith('i') ? binding.immediate(8) : NOTHING;
      if (inMemory) i.host(codeName, first, second, immediate, i.segmentNumber(), binding.address());
      else i.host(codeName, first, second, immediate);
    });
  });
}

/** MASKMOVQ and MASKMOVDQU: to DS:DI or DS:EDI. */
export function maskedStore(codeName: string): Description {
  return describe(codeName, (i) => {
    const { binding } = i;
    const offset = i.register(REGISTER.di, binding.addressWidth).zeroExtend(32);
    i.host(codeName, binding.vector(0), binding.vector(1), NOTHING, i.segmentNumber(), offset);
  });
}

/** The register number of an explicit operand. */
function operandNumber({ binding }: Instruction<OperandSize>, operand: 0 | 1): Value<8> {
  const kind = binding.kinds[operand];
  const slot = operand === 1 && binding.kinds[0] === kind ? 1 : 0;
  if (kind === 'v') return binding.vector(slot);
  return kind === 'r' ? constant(8, binding.register(slot).index ?? 0) : MEMORY;
}
