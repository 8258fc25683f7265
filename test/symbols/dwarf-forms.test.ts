import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AT, FORM, TAG } from '../../src/symbols/dwarf/constants.ts';
import { Dwarf } from '../../src/symbols/dwarf/dwarf.ts';
import { requireTool } from '../support/tools.ts';
import { abbreviations, Bytes, unit } from './dwarf-bytes.ts';
import { openElf, output, Workshop } from './toolchain.ts';

/** The first attribute number that users may give a meaning (DW_AT_lo_user). */
const USER = 0x2000;

/** Each form with a value that would be misread as an entry if the reader stopped in it. */
const VALUES: readonly (readonly [form: number, value: Bytes])[] = [
  [FORM.addr, new Bytes().number(4, 0x01010101)],
  [FORM.block1, new Bytes().u8(2, 1, 1)],
  [FORM.block2, new Bytes().number(2, 300).u8(...Array<number>(300).fill(1))],
  [FORM.block4, new Bytes().number(4, 3).u8(1, 1, 1)],
  [FORM.block, new Bytes().uleb(200).u8(...Array<number>(200).fill(1))],
  [FORM.exprloc, new Bytes().uleb(2).u8(0x30, 0x9f)],
  [FORM.data1, new Bytes().u8(1)],
  [FORM.data2, new Bytes().u8(1, 1)],
  [FORM.data4, new Bytes().u8(1, 1, 1, 1)],
  [FORM.data8, new Bytes().u8(1, 1, 1, 1, 1, 1, 1, 1)],
  [FORM.data16, new Bytes().u8(...Array<number>(16).fill(1))],
  [FORM.sdata, new Bytes().u8(0xff, 0x7f)],
  [FORM.udata, new Bytes().uleb(0x12345678)],
  [FORM.flag, new Bytes().u8(1)],
  [FORM.flagPresent, new Bytes()],
  [FORM.string, new Bytes().string('text')],
  [FORM.strp, new Bytes().number(4, 0)],
  [FORM.lineStrp, new Bytes().number(4, 0)],
  [FORM.strx, new Bytes().uleb(2)],
  [FORM.strx1, new Bytes().u8(1)],
  [FORM.strx2, new Bytes().number(2, 1)],
  [FORM.strx3, new Bytes().number(3, 1)],
  [FORM.strx4, new Bytes().number(4, 1)],
  [FORM.addrx, new Bytes().uleb(200)],
  [FORM.addrx1, new Bytes().u8(1)],
  [FORM.addrx2, new Bytes().u8(1, 1)],
  [FORM.addrx3, new Bytes().u8(1, 1, 1)],
  [FORM.addrx4, new Bytes().u8(1, 1, 1, 1)],
  [FORM.refAddr, new Bytes().number(4, 12)],
  [FORM.ref1, new Bytes().u8(12)],
  [FORM.ref2, new Bytes().number(2, 12)],
  [FORM.ref4, new Bytes().number(4, 12)],
  [FORM.ref8, new Bytes().number(8, 12)],
  [FORM.refUdata, new Bytes().uleb(12)],
  [FORM.refSig8, new Bytes().u8(1, 1, 1, 1, 1, 1, 1, 1)],
  [FORM.refSup4, new Bytes().u8(1, 1, 1, 1)],
  [FORM.refSup8, new Bytes().u8(1, 1, 1, 1, 1, 1, 1, 1)],
  [FORM.strpSup, new Bytes().u8(1, 1, 1, 1)],
  [FORM.secOffset, new Bytes().u8(1, 1, 1, 1)],
  [FORM.loclistx, new Bytes().uleb(300)],
  [FORM.rnglistx, new Bytes().uleb(300)],
  [FORM.gnuAddrIndex, new Bytes().uleb(300)],
  [FORM.gnuStrIndex, new Bytes().uleb(300)],
  [FORM.gnuRefAlt, new Bytes().u8(1, 1, 1, 1)],
  [FORM.gnuStrpAlt, new Bytes().u8(1, 1, 1, 1)],
  [FORM.indirect, new Bytes().uleb(FORM.data2).u8(1, 1)],
];

/** Strings, and the offsets of those that DW_FORM_strx names by index: "unit", "table", "first", "second", "pair". */
const STRINGS = ['unit', 'table', 'first', 'second', 'pair'];
const strings = STRINGS.reduce((bytes, text) => bytes.string(text), new Bytes());
const offsets = STRINGS.map((_, index) => STRINGS.slice(0, index).join('0').length + (index > 0 ? 1 : 0));

function sections(): Record<string, Bytes> {
  const exotic = VALUES.flatMap(([form], index) => [USER + index, form]);
  const table = abbreviations(
    [1, 0x11, 1, AT.name, FORM.strx1, AT.strOffsetsBase, FORM.secOffset],
    [2, TAG.variable, 0, ...exotic, AT.name, FORM.strx2, AT.type, FORM.refUdata],
    [3, TAG.structureType, 1, AT.name, FORM.strx4, AT.byteSize, FORM.indirect],
    [4, TAG.member, 0, AT.name, FORM.strx3, AT.type, FORM.ref8, AT.dataMemberLocation, FORM.udata],
    [5, TAG.baseType, 0, AT.name, FORM.string, AT.byteSize, FORM.data1, 0x3e, FORM.data1],
  );
  const entries = new Bytes().u8(1).u8(0).number(4, 8);
  const base = 12 + entries.bytes.length;
  entries.u8(5).string('unsigned int').u8(4, 7);
  const structure = 12 + entries.bytes.length;
  entries.u8(3).number(4, 4).uleb(FORM.data1).u8(8);
  entries.u8(4).number(3, 2).number(8, base).uleb(0);
  entries.u8(4).number(3, 3).number(8, base).uleb(4).u8(0);
  entries.u8(2);
  for (const [, value] of VALUES) entries.append(value);
  entries.number(2, 1).uleb(structure).u8(0);
  return {
    '.debug_info': unit(entries),
    '.debug_abbrev': table,
    '.debug_str': strings,
    '.debug_line_str': new Bytes().string('line'),
    '.debug_str_offsets': new Bytes()
      .number(4, 4 + offsets.length * 4)
      .number(2, 5, 0)
      .number(4, ...offsets),
  };
}

describe('DWARF forms', function () {
  this.timeout(60000);
  const folder = mkdtempSync(join(tmpdir(), 'forms-'));
  let workshop: Workshop;

  before(function () {
    for (const tool of ['gcc', 'objcopy', 'readelf']) requireTool(this, tool);
    workshop = new Workshop();
  });
  after(() => {
    workshop.remove();
    rmSync(folder, { recursive: true });
  });

  it('covers every form that the reader knows, but the one whose value is in the abbreviation', () => {
    const covered = new Set(VALUES.map(([form]) => form));
    assert.deepEqual(
      Object.values(FORM).filter((form) => !covered.has(form)),
      [FORM.implicitConst],
    );
  });

  it('are passed over and read as readelf does', () => {
    const path = workshop.build('forms', 'void start(void) {}', 'c', ['-m32']);
    for (const [name, { bytes }] of Object.entries(sections())) {
      const file = join(folder, name);
      writeFileSync(file, Uint8Array.from(bytes));
      execFileSync('objcopy', ['--add-section', `${name}=${file}`, path]);
    }
    const dump = output('readelf', '--debug-dump=info', path);
    const names = Array.from(dump.matchAll(/DW_AT_name +: (?:\(.*?\): )?(.*?) *$/gm), ([, name]) => name);
    assert.deepEqual(names, ['unit', 'unsigned int', 'pair', 'first', 'second', 'table']);

    const structure = Dwarf.read(openElf(path))?.structureOf('table');
    assert.deepEqual(structure, {
      name: 'table',
      size: 8,
      typeName: 'struct pair',
      members: [
        { name: 'first', offset: 0, size: 4, typeName: 'unsigned int', kind: 'scalar' },
        { name: 'second', offset: 4, size: 4, typeName: 'unsigned int', kind: 'scalar' },
      ],
    });
  });
});
