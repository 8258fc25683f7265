import { hex, registerHex } from '../../util/hex.ts';
import type { BitField } from '../../x86/bit-field.ts';
import { CR0_FIELDS, CR4_FIELDS, describeCr0, describeCr3, describeCr4 } from '../../x86/control-registers.ts';
import type { Inspection } from '../inspection.ts';
import { bitRows } from './bits.ts';
import { applyFlagWords } from './edit.ts';
import type { VariableNode } from './node.ts';
import { segmentRow } from './segments-scope.ts';

/** CR0, CR2, CR3 and CR4. */
export function controlRows(inspection: Inspection): VariableNode[] {
  const [cr0, cr2, cr4] = [inspection.number('cr0'), inspection.number('cr2'), inspection.number('cr4')];
  const cr4Text = describeCr4(cr4);
  return [
    flagRegister(inspection, 'cr0', ` · ${describeCr0(cr0)}`, CR0_FIELDS),
    {
      name: 'CR2',
      value: `${registerHex(cr2)} · linear address of the last #PF`,
      type: 'uint32',
      evaluateName: '$cr2',
      memory: BigInt(cr2),
      menu: 'register',
      set: setter(inspection, 'cr2'),
    },
    {
      name: 'CR3',
      value: `${registerHex(inspection.number('cr3'))} ${describeCr3(cr0, cr4)}`,
      type: 'cr3',
      evaluateName: '$cr3',
      menu: 'register',
      set: setter(inspection, 'cr3'),
    },
    flagRegister(inspection, 'cr4', cr4Text === '' ? '' : ` · ${cr4Text}`, CR4_FIELDS),
  ];
}

/** Descriptor table registers, LDTR and TR, and the debug registers. */
export function systemRows(inspection: Inspection): VariableNode[] {
  return [
    tableRow(inspection, 'gdtr', 'entries', 'no descriptor can be loaded'),
    tableRow(inspection, 'idtr', 'gates', 'no fault can be delivered'),
    segmentRow(inspection, 'ldtr'),
    segmentRow(inspection, 'tr'),
    ...[0, 1, 2, 3, 6, 7].map((index) => ({
      name: `DR${index}`,
      value: registerHex(inspection.number(`dr${index}`)),
      type: 'uint32',
      evaluateName: `$dr${index}`,
      set: setter(inspection, `dr${index}`),
    })),
  ];
}

function flagRegister(inspection: Inspection, name: string, text: string, fields: readonly BitField[]): VariableNode {
  return {
    name: name.toUpperCase(),
    value: `${registerHex(inspection.number(name))}${text}`,
    type: name,
    evaluateName: `$${name}`,
    menu: 'register',
    children: () => bitRows(inspection, name, fields),
    set: (edit) => {
      const words = applyFlagWords(edit, BigInt(inspection.number(name)), fields);
      inspection.target.setRegister(name, words ?? inspection.evaluate(edit).value);
    },
  };
}

function tableRow(inspection: Inspection, name: 'gdtr' | 'idtr', unit: string, empty: string): VariableNode {
  const [base, limit] = [inspection.number(`${name}.base`), inspection.number(`${name}.limit`)];
  const entries = Math.floor((limit + 1) / 8);
  return {
    name: name.toUpperCase(),
    value: `base ${registerHex(base)} limit ${hex(limit, 4)} · ${entries === 0 ? empty : `${entries} ${unit}`}`,
    type: 'table',
    memory: BigInt(base),
    menu: 'pointer',
    children: () => [
      {
        name: 'base',
        value: inspection.address(BigInt(base)),
        type: 'uint32',
        evaluateName: `$${name}.base`,
        set: setter(inspection, `${name}.base`),
      },
      {
        name: 'limit',
        value: hex(limit, 4),
        type: 'uint16',
        evaluateName: `$${name}.limit`,
        set: setter(inspection, `${name}.limit`),
      },
    ],
  };
}

function setter(inspection: Inspection, name: string): (text: string) => void {
  return (text) => inspection.target.setRegister(name, inspection.evaluate(text).value);
}
