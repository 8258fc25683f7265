import { ARITHMETIC } from './arithmetic.ts';
import { BIT } from './bit.ts';
import { CONTROL_FLOW } from './control-flow.ts';
import { COPROCESSOR } from './coprocessor.ts';
import { DATA_TRANSFER } from './data-transfer.ts';
import { DECIMAL } from './decimal.ts';
import type { Description } from './instruction.ts';
import { MULTIPLY_DIVIDE } from './multiply-divide.ts';
import { SHIFT_ROTATE } from './shift-rotate.ts';
import { STACK } from './stack.ts';
import { STRING } from './string.ts';
import { SYSTEM } from './system.ts';

/** Every instruction the machine has, by the mnemonic that iced-x86 gives it (moves of system registers by their direction). */
export const INSTRUCTION_SET: ReadonlyMap<string, Description> = new Map(
  [
    ...ARITHMETIC,
    ...BIT,
    ...CONTROL_FLOW,
    ...COPROCESSOR,
    ...DATA_TRANSFER,
    ...DECIMAL,
    ...MULTIPLY_DIVIDE,
    ...SHIFT_ROTATE,
    ...STACK,
    ...STRING,
    ...SYSTEM,
  ].flatMap((description) => description.mnemonics.map((mnemonic) => [mnemonic, description] as const)),
);
