import { describeField, fieldValue } from '../../x86/bit-field.ts';
import type { BitField } from '../../x86/bit-field.ts';
import type { Inspection } from '../inspection.ts';
import { withField } from './edit.ts';
import type { VariableNode } from './node.ts';

/** One row for each field of a register, from high to low. Values that the user types are expressions. */
export function bitRows(inspection: Inspection, register: string, fields: readonly BitField[]): VariableNode[] {
  const current = inspection.number(register);
  return fields.map((field) => ({
    name: field.name,
    value: describeField(field, current),
    type: 'bit',
    evaluateName: `$${register}.${field.name.toLowerCase()}`,
    menu: 'bit',
    set: (text) => {
      const { value } = inspection.evaluate(text);
      inspection.target.setRegister(register, withField(BigInt(inspection.number(register)), field, value));
    },
  }));
}

/** The value of a field as `$eflags.zf` names it; undefined when the register has no such field. */
export function fieldByName(
  fields: readonly BitField[],
  name: string,
  register: number,
): { value: bigint; bits: number } | undefined {
  const field = fields.find((candidate) => candidate.name.toLowerCase() === name);
  return field === undefined ? undefined : { value: BigInt(fieldValue(field, register)), bits: field.width };
}
