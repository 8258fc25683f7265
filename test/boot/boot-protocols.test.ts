import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { ENTRY_NAMES } from '../../src/boot/protocol.ts';
import type { GeneralRegister, LoadPlan, SegmentName } from '../../src/boot/protocol.ts';
import { ENTRY_PROTOCOLS } from '../../src/boot/recognise.ts';
import { lguestSource, LGUEST_SCRIPT } from '../support/lguest-guests.ts';
import type { LguestStart } from '../support/lguest-guests.ts';
import { bzImage } from './bz-image.ts';
import { plan } from './expect.ts';
import { buildKernel, headerSource, multiboot2Source } from './kernels.ts';
import { buildXenKernel, XEN_NOTES, xenNote } from './xen-kernels.ts';

/** docs/boot-protocols.md: by column the cells of each row. */
function columns(): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let heads: string[] = [];
  for (const line of readFileSync(join(import.meta.dirname, '../../docs/boot-protocols.md'), 'utf8').split('\n')) {
    if (!line.startsWith('|')) heads = [];
    const [item = '', ...cells] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (item === 'item') {
      heads = cells;
      for (const head of heads) found.set(head, new Map());
    } else if (heads.length > 0 && !item.startsWith('-'))
      heads.forEach((head, index) => found.get(head)?.set(item, cells[index] ?? ''));
  }
  return found;
}

function lguestKernel(test: Context, start: LguestStart): Uint8Array {
  const data = start === '4.4' ? '.balign 4096\ninitial_page_table: .skip 4096\n' : '';
  return buildKernel(test, { header: '', code: lguestSource(start, '  jmp .\n', data), script: LGUEST_SCRIPT });
}

const PROBE =
  '.text\n.globl _start\n_start: hlt\n.section .paravirtprobe, "a"\n.long _start\n.section .note.GNU-stack, ""\n';

/** A kernel for each column that has a plan. */
const KERNELS: Readonly<Record<string, (test: Context) => LoadPlan>> = {
  multiboot: (test) => plan(buildKernel(test, { header: headerSource(3) }), {}, 'multiboot'),
  multiboot2: (test) => plan(buildKernel(test, { header: multiboot2Source() }), {}, 'multiboot2'),
  linux16: () => plan(bzImage(), {}, 'linux16'),
  linux32: () => plan(bzImage(), {}, 'linux32'),
  pvh: (test) => plan(buildKernel(test, { header: xenNote(18, 0x100000) }), {}, 'pvh'),
  native: (test) => plan(buildKernel(test), {}, 'native'),
  'xen-pv': (test) => plan(buildXenKernel(test, { header: `${XEN_NOTES}${xenNote(1, 0xc0100000)}` }), {}, 'xen-pv'),
  'lguest 2.6.23': (test) => plan(lguestKernel(test, 'boot header'), {}, 'lguest'),
  'lguest 2.6.24': (test) => plan(lguestKernel(test, '2.6.24'), {}, 'lguest'),
  'lguest 4.4': (test) => plan(lguestKernel(test, '4.4'), {}, 'lguest'),
  paravirt: (test) => plan(buildKernel(test, { header: '', code: PROBE }), {}, 'paravirt'),
};

/** What the plan gives for an item of the tables that can be a number. */
function given({ state }: LoadPlan, item: string): number | undefined {
  const bit = (value: number, at: number): number => (value >>> at) & 1;
  const bits: Readonly<Record<string, number>> = {
    'CR0.PE': bit(state.cr0, 0),
    'CR0.PG': bit(state.cr0, 31),
    'EFLAGS.IF': bit(state.eflags, 9),
  };
  const name = item.toLowerCase();
  if (name in state.segments) return state.segments[name as SegmentName].selector;
  if (name in state.registers) return state.registers[name as GeneralRegister] >>> 0;
  return bits[item];
}

describe('docs/boot-protocols.md', () => {
  const table = columns();
  /** Rows that are not items of a promise. */
  const words = new Set(['structure', 'source', 'linear memory']);

  it('has a column for every entry, and the test a kernel for every column that can be entered', () => {
    const entries = new Set([...table.keys()].map((column) => column.split(' ')[0] ?? ''));
    assert.deepEqual([...entries].sort(), [...ENTRY_NAMES].sort());
    const runnable = ENTRY_PROTOCOLS.filter((protocol) => protocol.plan !== undefined).map(({ entry }) => entry);
    assert.deepEqual([...new Set(Object.keys(KERNELS).map((column) => column.split(' ')[0]))].sort(), runnable.sort());
  });

  for (const [column, make] of Object.entries(KERNELS))
    it(`says of ${column} what its plan promises and gives`, function () {
      const made = make(this);
      const cells = table.get(column) ?? assert.fail(`no column ${column}`);
      for (const [row, cell] of cells) {
        if (words.has(row) || (column === 'native' && row === 'EIP')) continue;
        for (const item of row.split(', ')) {
          const promise = made.promises.find((one) => one.item === item)?.promise;
          assert.equal(cell === '—', promise === undefined, `${item}: "${cell}" and promised ${promise ?? 'nothing'}`);
          const value = /^`(0x[0-9a-fA-F]+|[01])`|selector `(0x[0-9a-f]+)`/.exec(cell);
          if (value !== null && item !== 'EIP') assert.equal(given(made, item), Number(value[1] ?? value[2]), item);
        }
      }
      const [source = ''] = (cells.get('source') ?? '').split(',');
      assert.ok(column === 'native' || made.promises.some((one) => one.source.startsWith(source)), source);
    });
});
