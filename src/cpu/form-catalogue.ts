import * as iced from 'iced-x86';
import { describeEncoding } from './decoder.ts';
import { makeForm, type InstructionForm } from './instruction-form.ts';

/** Operand kinds of iced-x86's encoding tables as the form's letters; a register-or-memory operand is two forms. Others have none. */
const OPERAND_LETTERS: readonly (readonly [RegExp, string])[] = [
  [/^r(8|16|32)_or_mem$/, 'rm'],
  [/^r(8|16|32)_(reg|rm|opcode)$|^(al|ax|eax|dx|cl)$/, 'r'],
  [/^mem$|^mem_offs$/, 'm'],
  [/^imm/, 'i'],
  [/^br(16|32)_/, 't'],
  [/^(es|cs|ss|ds|fs|gs|seg_reg)$/, 's'],
  [/^(seg_rSI|es_rDI)$/, ''],
];

/**
 * Every form that generated code can run in 32-bit code with 32-bit addresses and stack: what the handlers are built for ahead of time.
 * Rarer forms (16-bit addresses and stacks) get theirs when they are met.
 */
export function catalogueForms(): InstructionForm[] {
  const forms = new Map<string, InstructionForm>();
  for (const code of Object.values(iced.Code)) {
    if (typeof code !== 'number') continue;
    for (const form of formsOf(code)) if (!form.slow) forms.set(form.key, form);
  }
  return [...forms.values()];
}

function formsOf(code: iced.Code): InstructionForm[] {
  const opCode = iced.CodeExt.opCode(code);
  try {
    if (!opCode.mode32) return [];
    const encoding = describeEncoding(code, opCode.mnemonic);
    const { description, width, operandWidths } = encoding;
    if (description === undefined) return [];
    const operands = Array.from({ length: opCode.opCount }, (_, n) => lettersOf(opCode.opKind(n)));
    const kinds = operands.reduce<string[]>(
      (prefixes, letters) =>
        letters === undefined
          ? []
          : prefixes.flatMap((prefix) =>
              letters === '' ? [prefix] : Array.from(letters, (letter) => prefix + letter),
            ),
      [''],
    );
    const repeats = encoding.repeats ? ([undefined, 'rep', 'repne'] as const) : ([undefined] as const);
    return kinds.flatMap((kind) =>
      repeats.map((repeat) =>
        makeForm({ description, width, operandWidths, kinds: kind, repeat, addressWidth: 32, stackWidth: 32 }),
      ),
    );
  } finally {
    opCode.free();
  }
}

function lettersOf(kind: number): string | undefined {
  const name = iced.OpCodeOperandKind[kind] ?? '';
  return OPERAND_LETTERS.find(([pattern]) => pattern.test(name))?.[1];
}
