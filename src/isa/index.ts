import { ARITHMETIC } from './arithmetic.ts';
import { BIT } from './bit.ts';
import { CONTROL_FLOW } from './control-flow.ts';
import { DATA_TRANSFER } from './data-transfer.ts';
import { DECIMAL } from './decimal.ts';
import type { Description } from './instruction.ts';
import { MMX } from './mmx.ts';
import { MULTIPLY_DIVIDE } from './multiply-divide.ts';
import { SHIFT_ROTATE } from './shift-rotate.ts';
import { SSE_FLOAT } from './sse-float.ts';
import { SSE } from './sse.ts';
import { SSE2 } from './sse2.ts';
import { STACK } from './stack.ts';
import { STRING } from './string.ts';
import { SYSTEM } from './system.ts';
import { X87 } from './x87.ts';

/** Every instruction the machine has, by the mnemonic that iced-x86 gives it (moves of system registers by their direction, MMX and SSE by encoding). */
export const INSTRUCTION_SET: ReadonlyMap<string, Description> = new Map(
  [
    ...ARITHMETIC,
    ...BIT,
    ...CONTROL_FLOW,
    ...DATA_TRANSFER,
    ...DECIMAL,
    ...MMX,
    ...MULTIPLY_DIVIDE,
    ...SHIFT_ROTATE,
    ...SSE,
    ...SSE2,
    ...SSE_FLOAT,
    ...STACK,
    ...STRING,
    ...SYSTEM,
    ...X87,
  ].flatMap((description) => description.mnemonics.map((mnemonic) => [mnemonic, description] as const)),
);
