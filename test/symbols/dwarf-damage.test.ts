import assert from 'node:assert/strict';
import { AT, FORM, TAG } from '../../src/symbols/dwarf/constants.ts';
import { Dwarf } from '../../src/symbols/dwarf/dwarf.ts';
import type { SymbolImage } from '../../src/symbols/image.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { samplePath } from '../samples/samples.ts';
import { abbreviations, Bytes, FIRST_ENTRY, imageOf, unit } from './dwarf-bytes.ts';
import { openElf } from './toolchain.ts';

/** What the reader says about `.debug_info` and `.debug_abbrev` when asked for the variable `v`. */
function complaint(info: Bytes, abbrev: Bytes): string {
  try {
    Dwarf.read(imageOf({ '.debug_info': info, '.debug_abbrev': abbrev }))?.structureOf('v');
  } catch (error) {
    assert.ok(error instanceof StartOfDayError);
    assert.equal(error.code, 'dwarf');
    assert.equal(error.title, 'The debug information of this image is damaged');
    return error.detail ?? '';
  }
  return 'nothing';
}

const UNIT_ROW = [1, 0x11, 1] as const;
const VARIABLE_ROW = [2, TAG.variable, 0, AT.name, FORM.string, AT.type, FORM.ref1] as const;
const STRUCTURE_ROW = [3, TAG.structureType, 1, AT.byteSize, FORM.data1] as const;
const MEMBER_ROW = [4, TAG.member, 0, AT.type, FORM.ref1] as const;
const ROWS = abbreviations(UNIT_ROW, VARIABLE_ROW, STRUCTURE_ROW, MEMBER_ROW);

/** A unit with the variable `v`, whose type is the entry behind it. */
const variable = (rest: Bytes): Bytes =>
  unit(
    new Bytes()
      .u8(1, 2)
      .string('v')
      .u8(FIRST_ENTRY + 5)
      .append(rest),
  );

describe('damaged DWARF', () => {
  it('is named with section, offset and what was found', () => {
    const rows = abbreviations(UNIT_ROW);
    assert.equal(complaint(new Bytes().u8(1, 2), rows), '.debug_info, offset 0x0: 4 bytes needed, 2 left');
    assert.equal(complaint(new Bytes().number(4, 100, 0), rows), '.debug_info, offset 0x4: 100 bytes needed, 4 left');
    assert.equal(
      complaint(new Bytes().number(4, 0xfffffff0), rows),
      '.debug_info, offset 0x0: unit length 4294967280 is reserved',
    );
    assert.equal(
      complaint(new Bytes().number(4, 0xffffffff).number(8, 2 ** 52), rows),
      '.debug_info, offset 0xc: 4503599627370496 bytes needed, 0 left',
    );
    const addresses = new Bytes().number(4, 8).number(2, 5).u8(1, 7).number(4, 0);
    assert.equal(complaint(addresses, rows), '.debug_info, offset 0x0: the unit has addresses of 7 bytes');
    const noTable = new Bytes().number(4, 8).number(2, 5).u8(1, 4).number(4, 99);
    assert.equal(complaint(noTable, rows), '.debug_abbrev, offset 0x0: 99 bytes needed, 6 left');
    assert.equal(complaint(unit(new Bytes().u8(9)), rows), '.debug_info, offset 0xc: the unit has no abbreviation 9');
    const endless = new Bytes().u8(...Array<number>(12).fill(0x80));
    assert.equal(complaint(unit(endless), rows), '.debug_info, offset 0xc: a LEB128 number is longer than 10 bytes');
    const unknown = abbreviations([1, 0x11, 0, AT.name, 0x7f]);
    assert.equal(
      complaint(unit(new Bytes().u8(1, 0)), unknown),
      '.debug_info, offset 0xd: form 127 is in no version of DWARF up to 5',
    );
    const string = abbreviations([1, 0x11, 0, AT.name, FORM.strp]);
    assert.equal(
      complaint(unit(new Bytes().u8(1).number(4, 8)), string),
      '.debug_str, offset 0x0: 8 bytes needed, 0 left',
    );
    const indirect = abbreviations([1, 0x11, 0, AT.name, FORM.indirect]);
    assert.equal(
      complaint(unit(new Bytes().u8(1, FORM.indirect, FORM.indirect, 1)), indirect),
      '.debug_info, offset 0xd: form 22 behind DW_FORM_indirect',
    );
  });

  it('does not follow a reference out of every unit', () => {
    const far = unit(new Bytes().u8(1, 2).string('v').u8(0xee));
    assert.equal(complaint(far, ROWS), '.debug_info, offset 0xd: the entry refers to 238, which is in no unit');
    const header = unit(new Bytes().u8(1, 2).string('v').u8(2));
    assert.equal(complaint(header, ROWS), '.debug_info, offset 0x2: there is no entry: the unit has them up to 17');
  });

  it('may hold a structure in itself', () => {
    const self = FIRST_ENTRY + 5;
    const info = variable(new Bytes().u8(3, 4, 4, self, 0));
    assert.equal(complaint(info, ROWS), '.debug_info, offset 0x11: structures are nested more than 64 deep');
  });

  it('may double at each of 30 levels', () => {
    const levels = new Bytes();
    for (let level = 1; level <= 30; level++) {
      const next = FIRST_ENTRY + 5 + level * 7;
      levels.u8(3, 4, 4, next, 4, next, 0);
    }
    const info = variable(levels.u8(3, 0, 0));
    assert.match(complaint(info, ROWS), /^\.debug_info, offset 0x[0-9a-f]+: a variable has more than 50000 members$/);
  });

  it('may name a type by itself', () => {
    const table = abbreviations(UNIT_ROW, VARIABLE_ROW, [3, TAG.typedef, 0, AT.type, FORM.ref1]);
    const info = variable(new Bytes().u8(3, FIRST_ENTRY + 5, 0));
    assert.equal(complaint(info, table), '.debug_info, offset 0x11: a type is named by itself');
  });

  it('may have siblings that lead backwards', () => {
    const table = abbreviations(UNIT_ROW, VARIABLE_ROW, [3, TAG.structureType, 1, AT.sibling, FORM.ref1]);
    assert.equal(complaint(unit(new Bytes().u8(1, 3, FIRST_ENTRY, 3, FIRST_ENTRY, 0, 0, 0)), table), 'nothing');
  });

  it('may take parameters that take themselves as parameters', () => {
    const table = abbreviations(
      ...[UNIT_ROW, VARIABLE_ROW, STRUCTURE_ROW, MEMBER_ROW],
      [5, TAG.subroutineType, 1],
      [6, TAG.formalParameter, 0, AT.type, FORM.ref1],
    );
    const routine = FIRST_ENTRY + 5 + 5;
    const self = new Bytes().u8(3, 4, 4, routine, 0).u8(5, ...Array<number[]>(30).fill([6, routine]).flat(), 0, 0);
    assert.equal(complaint(variable(self), table), 'nothing');
  });

  it('passes over units of a version that is not there yet', () => {
    const future = new Bytes().number(4, 6).number(2, 6).number(4, 0);
    assert.equal(complaint(future.append(variable(new Bytes().u8(3, 4, 0))), ROWS), 'nothing');
  });

  it('is either read or refused, whatever bytes are changed', function () {
    this.timeout(60000);
    const elf = openElf(samplePath('multiboot'));
    const names = ['.debug_info', '.debug_abbrev', '.debug_str', '.debug_line_str'];
    const sound = elf.sections.filter(({ name }) => names.includes(name));
    // A fixed sequence (Numerical Recipes' generator): the same damage in every run.
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < 1500; round++) {
      const sections = sound.map((section) => ({ ...section, bytes: section.bytes.slice() }));
      const victim = sections[random(2)] ?? assert.fail();
      for (let change = 0; change <= random(4); change++) victim.bytes[random(victim.bytes.length)] = random(256);
      if (random(4) === 0) victim.bytes = victim.bytes.subarray(0, random(victim.bytes.length));
      const image: SymbolImage = { bits: 32, sections };
      try {
        Dwarf.read(image)?.structureOf('pv_ops');
        outcomes.read++;
      } catch (error) {
        assert.ok(error instanceof StartOfDayError && error.code === 'dwarf', String(error));
        outcomes.refused++;
      }
    }
    assert.ok(outcomes.read > 100 && outcomes.refused > 100, JSON.stringify(outcomes));
  });
});
