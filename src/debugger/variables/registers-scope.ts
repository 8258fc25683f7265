import type { GeneralRegister } from '../../boot/protocol.ts';
import { registerHex } from '../../util/hex.ts';
import { EFLAGS_FIELDS, describeEflags } from '../../x86/eflags.ts';
import type { Inspection } from '../inspection.ts';
import { bitRows } from './bits.ts';
import { informationAt, informationRows } from './boot-information.ts';
import { applyFlagWords } from './edit.ts';
import type { VariableNode } from './node.ts';

const GENERAL: readonly GeneralRegister[] = ['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'esp'];

/** EAX at a Multiboot entry (Multiboot 0.6.96, 3.2). */
const MULTIBOOT_MAGIC = 0x2badb002;

/** The general registers, EIP and EFLAGS. */
export function registerRows(inspection: Inspection): VariableNode[] {
  return [
    ...GENERAL.map((name) => generalRow(inspection, name)),
    {
      name: 'EIP',
      value: codeText(inspection),
      type: 'code *',
      evaluateName: '$eip',
      memory: inspection.target.instructionAddress,
      menu: 'pointer',
      set: setter(inspection, 'eip'),
    },
    flagsRow(inspection),
  ];
}

function generalRow(inspection: Inspection, name: GeneralRegister): VariableNode {
  const value = inspection.number(name);
  const information = informationAt(inspection, name);
  const common = {
    name: name.toUpperCase(),
    evaluateName: `$${name}`,
    memory: BigInt(value),
    set: setter(inspection, name),
  };
  if (information !== undefined)
    return {
      ...common,
      value: `${registerHex(value)} → ${information.kind}`,
      type: `${information.kind} *`,
      menu: 'pointer',
      children: () => informationRows(inspection, information),
    };
  return { ...common, value: valueText(inspection, name, value), type: 'uint32', menu: 'register' };
}

/** `0x2BADB002 = 732803074 · Multiboot magic`. */
function valueText(inspection: Inspection, name: GeneralRegister, value: number): string {
  const note = noteOf(inspection, name, value);
  if (note === NOT_PROMISED) return `${registerHex(value)} · ${note}`;
  const symbol = inspection.nameOf(BigInt(value));
  const meaning = symbol === undefined ? (value > 9 ? ` = ${value}` : '') : ` <${symbol}>`;
  return `${registerHex(value)}${meaning}${note === undefined ? '' : ` · ${note}`}`;
}

const NOT_PROMISED = 'not promised';

function noteOf(inspection: Inspection, name: GeneralRegister, value: number): string | undefined {
  if (name === 'eax' && value === MULTIBOOT_MAGIC) return 'Multiboot magic';
  return holdsPoison(inspection, name, value) ? NOT_PROMISED : undefined;
}

/** True while a register without a promise still holds the pattern that it was filled with. */
function holdsPoison({ plan, poison }: Inspection, name: GeneralRegister, value: number): boolean {
  if (!poison || plan.state.registers[name] >>> 0 !== value) return false;
  return plan.promises.some(({ item, promise }) => item === name.toUpperCase() && promise === undefined);
}

function codeText(inspection: Inspection): string {
  const name = inspection.nameOf(inspection.target.instructionAddress);
  return `${registerHex(inspection.number('eip'))}${name === undefined ? '' : ` <${name}>`}`;
}

function flagsRow(inspection: Inspection): VariableNode {
  const value = inspection.number('eflags');
  return {
    name: 'EFLAGS',
    value: `${registerHex(value)} · ${describeEflags(value)}`,
    type: 'eflags',
    evaluateName: '$eflags',
    menu: 'register',
    children: () => bitRows(inspection, 'eflags', EFLAGS_FIELDS),
    set: (text) => {
      const words = applyFlagWords(text, BigInt(inspection.number('eflags')), EFLAGS_FIELDS);
      inspection.target.setRegister('eflags', words ?? inspection.evaluate(text).value);
    },
  };
}

function setter(inspection: Inspection, name: string): (text: string) => void {
  return (text) => inspection.target.setRegister(name, inspection.evaluate(text).value);
}
