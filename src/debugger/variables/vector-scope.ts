import { registerHex } from '../../util/hex.ts';
import { describeMxcsr, MXCSR_FIELDS } from '../../x86/mxcsr.ts';
import type { Inspection } from '../inspection.ts';
import { bitRows } from './bits.ts';
import { applyFlagWords } from './edit.ts';
import type { VariableNode } from './node.ts';

/** MXCSR, XMM0 to XMM7 and MM0 to MM7. */
export function vectorRows(inspection: Inspection): VariableNode[] {
  const names = (prefix: string): string[] => Array.from({ length: 8 }, (_, n) => `${prefix}${n}`);
  return [
    mxcsrRow(inspection),
    ...names('xmm').map((name) => registerRow(inspection, name, 4)),
    ...names('mm').map((name) => registerRow(inspection, name, 2)),
  ];
}

function mxcsrRow(inspection: Inspection): VariableNode {
  const value = inspection.number('mxcsr');
  return {
    name: 'MXCSR',
    value: `${registerHex(value)} · ${describeMxcsr(value)}`,
    type: 'mxcsr',
    evaluateName: '$mxcsr',
    menu: 'register',
    children: () => bitRows(inspection, 'mxcsr', MXCSR_FIELDS),
    set: (edit) => {
      const words = applyFlagWords(edit, BigInt(inspection.number('mxcsr')), MXCSR_FIELDS);
      inspection.target.setRegister('mxcsr', words ?? inspection.evaluate(edit).value);
    },
  };
}

/** Words from high to low, as the number would be written; inside, the words from low to high and what they are as floating point. */
function registerRow(inspection: Inspection, name: string, count: 2 | 4): VariableNode {
  const words = (): number[] => Array.from({ length: count }, (_, n) => inspection.number(`${name}.w${n}`));
  const digits = words()
    .toReversed()
    .map((word) => registerHex(word).slice(2));
  return {
    name: name.toUpperCase(),
    value: `0x${digits.join('_')}`,
    type: `uint32[${count}]`,
    children: () => [
      ...words().map((word, n) => wordRow(inspection, `${name}.w${n}`, word)),
      ...(count === 4 ? floatRows(words()) : []),
    ],
  };
}

function wordRow(inspection: Inspection, register: string, word: number): VariableNode {
  return {
    name: register.split('.')[1] ?? register,
    value: registerHex(word),
    type: 'uint32',
    evaluateName: `$${register}`,
    set: (text) => inspection.target.setRegister(register, inspection.evaluate(text).value),
  };
}

function floatRows(words: readonly number[]): VariableNode[] {
  const view = new DataView(new ArrayBuffer(16));
  words.forEach((word, n) => view.setUint32(n * 4, word, true));
  const singles = [0, 4, 8, 12].map((at) => Math.fround(view.getFloat32(at, true)));
  const doubles = [0, 8].map((at) => view.getFloat64(at, true));
  return [
    {
      name: 'float',
      value: singles.map((single) => String(Number(single.toPrecision(9)))).join(', '),
      type: 'float[4]',
    },
    { name: 'double', value: doubles.join(', '), type: 'double[2]' },
  ];
}
