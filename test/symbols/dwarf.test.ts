import assert from 'node:assert/strict';
import { Dwarf } from '../../src/symbols/dwarf/dwarf.ts';
import type { Structure, StructureMember } from '../../src/symbols/dwarf/layout.ts';
import { samplePath } from '../samples/samples.ts';
import { requireTool } from '../support/tools.ts';
import { gdb, openElf, output, Workshop } from './toolchain.ts';

const SOURCE = `
typedef unsigned int u32;
typedef u32 word;
enum color { RED, GREEN };
struct later;
struct pair { char a; short b; };
typedef struct pair pair_t;
typedef struct { int only; } nameless_t;
struct callee_save { void *func; };
typedef int (*handler_t)(int, struct pair *);

struct everything {
  char letter;
  const volatile word *const registers;
  unsigned int low : 3;
  unsigned int middle : 5, high : 12;
  unsigned long long wide : 40;
  union { u32 raw; struct { unsigned short lo, hi; }; } ;
  pair_t pairs[3];
  nameless_t nameless;
  u32 matrix[2][5];
  enum color color;
  struct later *later;
  _Bool truth;
  long long big;
  handler_t handler;
  void (*plain)(void);
  const char *(*naming)(u32, ...);
  void (*(*nested)(int))(char);
  int (*old)();
  struct callee_save save;
  struct everything *next;
  char (*row)[4];
  handler_t table[2];
};
extern const struct everything everything;
const struct everything everything = { 1 };
static struct pair own;
extern struct elsewhere elsewhere;
int number;
int start(void) { return own.a + number + everything.letter + (int)(long)&elsewhere; }
asm(".globl elsewhere\\n.set elsewhere, 0");
`;

/** One member that is no structure, from the start of the variable. */
interface Leaf {
  readonly name: string;
  readonly offset: number;
  readonly bit: number;
  readonly size: number;
}

/** GDB writes the members of a structure that has a tag, not those behind a typedef. */
function leaves(members: readonly StructureMember[], base = 0): readonly Leaf[] {
  return members.flatMap((member) =>
    member.members === undefined || !/^(struct|union) /.test(member.typeName)
      ? [{ name: member.name, offset: base + member.offset, bit: member.bits?.offset ?? 0, size: member.size }]
      : leaves(member.members, base + member.offset),
  );
}

/** Reads GDB's `ptype /o`: a comment with offset, bit and size, then the declaration. In a union the offset is left out. */
function leavesOfGdb(text: string): readonly Leaf[] {
  const stack: number[] = [];
  const found: Leaf[] = [];
  for (const line of text.split('\n')) {
    const comment = /^\/\* +(?:(\d+)(?:: *(\d+))? +\|)? +(\d+) \*\/ +(.*)$/.exec(line);
    if (/^ *\}/.test(line)) stack.pop();
    if (comment === null) continue;
    const [, offset, bit, size, declaration = ''] = comment;
    const at = offset === undefined ? (stack.at(-1) ?? 0) : Number(offset);
    if (declaration.endsWith('{')) {
      stack.push(at);
      continue;
    }
    const name = /\(\*+(\w+)(?:\[\d+\])*\)|\b(\w+)(?:\[\d*\])*(?: : \d+)?;$/.exec(
      declaration.replace(/\(\*\(\*/, '(*'),
    );
    found.push({ name: name?.[1] ?? name?.[2] ?? '', offset: at, bit: Number(bit ?? 0), size: Number(size) });
  }
  return found;
}

/** `char *const` however the stars are spaced. */
/** GDB has its own words for what gcc calls `long long unsigned int`. */
const normal = (type: string): string =>
  unspaced(type).replace('long long unsigned int', 'unsigned long long').replace('long long int', 'long long');

const unspaced = (type: string): string => type.replaceAll(/ *(\*|\() */g, '$1');

const structureOf = (path: string, name: string): Structure =>
  Dwarf.read(openElf(path))?.structureOf(name) ?? assert.fail(`no structure ${name}`);

const VARIANTS: readonly (readonly string[])[] = [
  ...[2, 3, 4, 5].flatMap((version) => [32, 64].map((bits) => [`-gdwarf-${version}`, `-m${bits}`])),
  ['-gdwarf-5', '-gdwarf64', '-m32'],
  ['-gdwarf-4', '-gdwarf64', '-m64'],
  ['-gdwarf-5', '-fdebug-types-section', '-m32'],
  ['-gdwarf-2', '-gno-strict-dwarf', '-O2', '-m32'],
  ['-gdwarf-4', '-gstrict-dwarf', '-m32'],
];

describe('structure layouts from DWARF', function () {
  this.timeout(60000);
  let workshop: Workshop;

  before(function () {
    for (const tool of ['gcc', 'gdb', 'llvm-dwarfdump']) requireTool(this, tool);
    workshop = new Workshop();
  });
  after(() => workshop.remove());

  for (const options of VARIANTS) {
    describe(`gcc ${options.join(' ')}`, () => {
      let path = '';
      before(() => {
        path = workshop.build(options.join(''), SOURCE, 'c', ['-Wno-pointer-to-int-cast', ...options]);
      });

      it('are those of ptype /o', () => {
        const expected = leavesOfGdb(gdb(path, 'ptype /o everything'));
        assert.equal(expected.length, 25);
        assert.deepEqual(leaves(structureOf(path, 'everything').members), expected);
        assert.equal(
          structureOf(path, 'everything').size,
          Number(gdb(path, 'print sizeof(everything)').split(' = ')[1]),
        );
      });

      it('have the type names of whatis', () => {
        const members = structureOf(path, 'everything').members.filter(({ name }) => name !== '');
        const answers = gdb(path, ...members.map(({ name }) => `whatis everything.${name}`))
          .trim()
          .split('\n');
        assert.deepEqual(
          members.map(({ typeName }) => normal(typeName)),
          answers.map((answer) => normal(answer.replace('type = ', ''))),
        );
      });

      it('tell kinds apart', () => {
        const { members, typeName } = structureOf(path, 'everything');
        const kinds = Object.fromEntries(members.map(({ name, kind }) => [name, kind]));
        assert.equal(typeName, 'const struct everything');
        assert.deepEqual(kinds, {
          ...{
            letter: 'scalar',
            registers: 'pointer',
            low: 'scalar',
            middle: 'scalar',
            high: 'scalar',
            wide: 'scalar',
          },
          ...{
            '': 'union',
            pairs: 'array',
            nameless: 'struct',
            matrix: 'array',
            color: 'enumeration',
            later: 'pointer',
          },
          ...{ truth: 'scalar', big: 'scalar', handler: 'function-pointer', plain: 'function-pointer' },
          ...{ naming: 'function-pointer', nested: 'function-pointer', old: 'function-pointer', save: 'struct' },
          ...{ next: 'pointer', row: 'pointer', table: 'array' },
        });
      });

      it('exist for local variables, and not for what is no structure or only declared', () => {
        const dwarf = Dwarf.read(openElf(path)) ?? assert.fail();
        assert.deepEqual(
          dwarf.structureOf('own')?.members.map(({ name, offset }) => [name, offset]),
          [
            ['a', 0],
            ['b', 2],
          ],
        );
        for (const name of ['number', 'elsewhere', 'start', 'missing'])
          assert.equal(dwarf.structureOf(name), undefined);
      });
    });
  }

  it('are found for each structure variable of the samples that llvm-dwarfdump lists', () => {
    const found: Record<string, string> = {};
    for (const sample of ['multiboot', 'keyboard'] as const) {
      const blocks = output('llvm-dwarfdump', '--debug-info', samplePath(sample)).split('\n\n');
      const field = (block: string, name: string): string => new RegExp(`${name}\\t\\(.*"(.*)"`).exec(block)?.[1] ?? '';
      const tags = new Set(
        blocks.filter((block) => block.includes('DW_TAG_structure_type')).map((block) => field(block, 'DW_AT_name')),
      );
      for (const block of blocks.filter((text) => /^0x\w+: {3}DW_TAG_variable/.test(text))) {
        const type = field(block, 'DW_AT_type').replace('const ', '');
        const name = field(block, 'DW_AT_name');
        if (!tags.has(type)) continue;
        assert.equal(structureOf(samplePath(sample), name).typeName.replace('const ', ''), `struct ${type}`);
        found[name] = type;
      }
    }
    assert.deepEqual(found, { gdt_register: 'table_register', idt_register: 'table_register', pv_ops: 'paravirt_ops' });
  });

  it('are not there without -g', () => {
    assert.equal(Dwarf.read(openElf(workshop.build('plain', 'void start(void) {}', 'c', ['-m32']))), undefined);
  });

  it('are refused with a reason when the linker compressed them', () => {
    const path = workshop.build('compressed', SOURCE, 'c', ['-m32', '-g', '-gz=zlib', '-w']);
    assert.throws(() => Dwarf.read(openElf(path))?.structureOf('everything'), {
      name: 'StartOfDayError',
      code: 'dwarf-compressed',
      title: '.debug_info is compressed',
    });
  });
});
