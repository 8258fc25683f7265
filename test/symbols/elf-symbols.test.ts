import assert from 'node:assert/strict';
import { ElfSymbols } from '../../src/symbols/elf-symbols.ts';
import type { ElfSection } from '../../src/image/elf.ts';
import type { SymbolImage } from '../../src/symbols/image.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { SAMPLE_NAMES, samplePath } from '../samples/samples.ts';
import { requireTool } from '../support/tools.ts';
import { gdb, openElf, output, Workshop } from './toolchain.ts';

const SOURCE = `
int counter = 7;
static volatile int hidden[3] = { 1, 2, 3 };
void start(void) { counter += hidden[1]; }
void aliased(void) { counter = 0; }
void weak_name(void) __attribute__((weak, alias("aliased")));
static void local_name(void) __attribute__((used, alias("aliased")));
asm(".text\\n.globl before\\nbefore: nop\\nnop\\nbetween: nop\\n"
    ".balign 64\\n.type outer, @function\\nouter: nop\\ninner: nop\\nnop\\n.size outer, . - outer\\n"
    ".skip 5\\n.globl last\\nlast: ret\\n"
    ".globl CONSTANT\\n.set CONSTANT, 0x1234\\n");
`;

interface Listed {
  readonly address: bigint;
  readonly size: number;
  readonly type: string;
  readonly name: string;
}

/** Symbols as readelf lists them, those that stand for something in the image. */
function readelf(path: string): readonly Listed[] {
  const line = /^ *\d+: ([0-9a-f]+) +(\S+) (NOTYPE|OBJECT|FUNC) +\S+ +\S+ +(\d+|ABS) (\S+)$/gm;
  return Array.from(output('readelf', '-sW', path).matchAll(line), ([, address, size, type, , name]) => ({
    address: BigInt(`0x${address ?? ''}`),
    size: Number(size),
    type: type ?? '',
    name: name ?? '',
  }));
}

describe('ELF symbols', function () {
  this.timeout(60000);
  let workshop: Workshop;

  before(function () {
    for (const tool of ['gcc', 'readelf', 'nm', 'gdb']) requireTool(this, tool);
    workshop = new Workshop();
  });
  after(() => workshop.remove());

  for (const name of SAMPLE_NAMES) {
    it(`finds every symbol of ${name}.elf that readelf lists, by name and by address`, () => {
      const path = samplePath(name);
      const symbols = new ElfSymbols(openElf(path));
      const listed = readelf(path);
      assert.deepEqual([...symbols.names()].sort(), [...new Set(listed.map((symbol) => symbol.name))].sort());
      for (const { address, size, type, name: symbol } of listed.filter((entry) => entry.type !== 'NOTYPE')) {
        const found = symbols.startingAt(address).find((entry) => entry.name === symbol);
        assert.deepEqual(
          { address: found?.address, size: found?.size, kind: found?.kind },
          { address, size, kind: type === 'FUNC' ? 'function' : 'object' },
        );
      }
    });

    it(`names each byte of the functions of ${name}.elf as GDB does`, () => {
      const path = samplePath(name);
      const symbols = new ElfSymbols(openElf(path));
      const functions = readelf(path).filter(({ type, size }) => type === 'FUNC' && size > 0);
      const places = functions.flatMap(({ address, size }) => [address, address + BigInt(size - 1)]);
      const answers = gdb(path, ...places.map((place) => `info symbol ${place}`))
        .trim()
        .split('\n');
      const ours = places.map((place) => {
        const found = symbols.lookup(place);
        return `${found?.name ?? '?'}${(found?.offset ?? 0) > 0 ? ` + ${found?.offset ?? 0}` : ''} in section .text`;
      });
      assert.deepEqual(ours, answers);
    });
  }

  for (const [bits, base] of [
    [32, 0x100000n],
    [64, 0xffffffff81000000n],
  ] as const) {
    describe(`in a ${bits}-bit image at 0x${base.toString(16)}`, () => {
      let symbols: ElfSymbols;
      let path = '';
      const at = (name: string): bigint => symbols.addressOf(name) ?? assert.fail(`no ${name}`);

      before(() => {
        const model = bits === 64 ? ['-mcmodel=kernel'] : [];
        const place = ['-Wl,-z,norelro', `-Wl,-Ttext-segment=0x${base.toString(16)}`];
        path = workshop.build(`plain${bits}`, SOURCE, 'c', [`-m${bits}`, '-O1', ...model, ...place]);
        symbols = new ElfSymbols(openElf(path));
      });

      it('has the addresses that nm prints', () => {
        for (const line of output('nm', path).trim().split('\n')) {
          const [address, , name] = line.split(' ');
          if (name !== undefined) assert.equal(at(name), BigInt(`0x${address ?? ''}`), name);
        }
        assert.ok(at('start') >= base);
      });

      it('tells functions, objects and labels apart', () => {
        const kinds = ['start', 'counter', 'before'].map((name) => symbols.find(name)?.kind);
        assert.deepEqual(kinds, ['function', 'object', 'label']);
        assert.equal(symbols.find('hidden')?.binding, 'local');
        assert.deepEqual(symbols.lookup(at('hidden') + 11n), { name: 'hidden', offset: 11, size: 12 });
      });

      it('prefers the global name of several at one address, and has the others', () => {
        assert.equal(symbols.lookup(at('aliased'))?.name, 'aliased');
        const names = symbols.startingAt(at('aliased')).map(({ name }) => name);
        assert.deepEqual(names, ['aliased', 'weak_name', 'local_name']);
      });

      it('lets a symbol without a size reach to the next one', () => {
        assert.deepEqual(symbols.lookup(at('before') + 1n), { name: 'before', offset: 1, size: 0 });
        assert.deepEqual(symbols.lookup(at('between')), { name: 'between', offset: 0, size: 0 });
        assert.deepEqual(symbols.lookup(at('last')), { name: 'last', offset: 0, size: 0 });
      });

      it('does not let a label hide the function that it is in', () => {
        assert.deepEqual(symbols.lookup(at('inner')), { name: 'outer', offset: 1, size: 3 });
        assert.deepEqual(symbols.lookup(at('inner') + 1n), { name: 'outer', offset: 2, size: 3 });
      });

      it('gives nobody what is between sized symbols, before the first and behind the last section', () => {
        assert.equal(symbols.lookup(at('counter') + 4n)?.name === 'counter', false);
        assert.equal(symbols.lookup(base - 1n), undefined);
        assert.equal(symbols.lookup(at('last') + 0x100000n), undefined);
        assert.equal(symbols.lookup(0n), undefined);
      });

      it('knows absolute symbols by name only', () => {
        assert.equal(symbols.addressOf('CONSTANT'), 0x1234n);
        assert.equal(symbols.lookup(0x1234n), undefined);
      });
    });
  }

  it('gives the padding behind a sized function to nobody', () => {
    const padded = 'asm(".globl start\\n.type start, @function\\nstart: ret\\n.size start, 1\\n.skip 3\\n");';
    const symbols = new ElfSymbols(openElf(workshop.build('padded', padded, 'c', ['-m32'])));
    const start = symbols.addressOf('start') ?? assert.fail();
    assert.deepEqual(symbols.lookup(start), { name: 'start', offset: 0, size: 1 });
    assert.equal(symbols.lookup(start + 1n), undefined);
  });

  it('has nothing to say about a stripped image', () => {
    const symbols = new ElfSymbols(openElf(workshop.build('stripped', SOURCE, 'c', ['-m32', '-s'])));
    assert.deepEqual([...symbols.names()], []);
    assert.equal(symbols.lookup(0x8048000n), undefined);
    assert.equal(symbols.addressOf('start'), undefined);
  });

  /** The triple-fault sample with the contents of one section cut off. */
  const cut = (name: string, length: number): SymbolImage => {
    const { bits, sections } = openElf(samplePath('triple-fault'));
    const shorten = (section: ElfSection): ElfSection => ({ ...section, bytes: section.bytes.subarray(0, length) });
    return { bits, sections: sections.map((section) => (section.name === name ? shorten(section) : section)) };
  };

  it('says where a symbol has its name outside of the strings', () => {
    assert.throws(
      () => new ElfSymbols(cut('.strtab', 4)),
      (error: unknown) => {
        assert.ok(error instanceof StartOfDayError);
        assert.equal(error.code, 'symbol-name');
        assert.equal(error.title, 'A symbol of .symtab has its name outside of .strtab');
        assert.match(error.detail ?? '', /^File offset 0x[0-9a-f]+, st_name: 0x[0-9a-f]+, and \.strtab has 0x4 bytes$/);
        return true;
      },
    );
  });

  it('reads what is whole of a symbol table that ends within an entry', () => {
    assert.deepEqual([...new ElfSymbols(cut('.symtab', 16 * 3 + 7)).names()], ['wrong_loader']);
  });
});
