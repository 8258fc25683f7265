import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SAMPLE_NAMES, SAMPLES } from '../samples/samples.ts';
import { requireTool } from '../support/tools.ts';
import { innermost, loadTokenizer, ROOT, type Token, type Tokenizer } from './tokenizer.ts';

const readScript = (name: string): string => readFileSync(join(SAMPLES, name, 'linker.ld'), 'utf8');

/** Tokens that got no scope of their own: a theme shows them as plain text. */
const plain = (tokens: readonly Token[]): readonly Token[] =>
  tokens.filter(({ scopes }) => /^(source|meta\.)/.test(scopes.at(-1) ?? 'source'));

describe('linker script grammar', () => {
  let tokenize: Tokenizer = () => [];

  before(async () => {
    tokenize = await loadTokenizer('linker-script.tmLanguage.json', 'source.linker-script');
  });

  /** Tokens inside `SECTIONS { … }` without the frame. */
  const inSections = (text: string): readonly string[] => innermost(tokenize(`SECTIONS {\n${text}\n}`)).slice(1);
  const inOutputSection = (text: string): readonly string[] => inSections(`.text : {\n${text}\n}`).slice(1);

  describe('on the sample scripts', () => {
    for (const name of SAMPLE_NAMES) {
      it(`gives every token of ${name} a scope of its own`, () => {
        assert.deepEqual(plain(tokenize(readScript(name))), []);
      });
    }

    it('colours the paravirt script line by line', () => {
      const lines = readScript('paravirt').split('\n');
      const tokens = tokenize(lines.join('\n'));
      const line = (start: string): readonly string[] => {
        const number = lines.findIndex((text) => text.trimStart().startsWith(start)) + 1;
        return innermost(tokens.filter((token) => token.line === number));
      };
      assert.deepEqual(line('OUTPUT_ARCH'), ['OUTPUT_ARCH keyword.control.command', 'i386 string.unquoted.argument']);
      assert.deepEqual(line('ENTRY'), ['ENTRY keyword.control.command', '_start entity.name.function.entry']);
      assert.deepEqual(line('KERNEL_BASE'), [
        'KERNEL_BASE variable.other.assignment',
        '= keyword.operator.assignment',
        '1 constant.numeric.decimal',
        'M keyword.other.unit',
      ]);
      assert.deepEqual(line('PHDRS'), ['PHDRS keyword.control.block']);
      assert.deepEqual(line('text PT_LOAD'), [
        'text entity.name.type.segment',
        'PT_LOAD constant.language.segment-type',
        'FILEHDR storage.modifier.headers',
        'PHDRS storage.modifier.headers',
        'FLAGS keyword.other.attribute',
        '5 constant.numeric.decimal',
        'read, execute comment.block',
      ]);
      assert.deepEqual(line('. = KERNEL_BASE'), [
        '. variable.language.location-counter',
        '= keyword.operator.assignment',
        'KERNEL_BASE variable.other.symbol',
        '+ keyword.operator.arithmetic',
        'SIZEOF_HEADERS support.constant.builtin',
      ]);
      assert.deepEqual(line('.multiboot'), [
        '.multiboot support.type.section.guest',
        'ALIGN keyword.other.attribute',
        '4 constant.numeric.decimal',
        'KEEP keyword.other.input',
        '* keyword.operator.wildcard',
        '.multiboot support.type.section.guest',
        'text entity.name.type.segment',
      ]);
      assert.deepEqual(line('} :text :note'), ['text entity.name.type.segment', 'note entity.name.type.segment']);
      assert.deepEqual(line('PROVIDE_HIDDEN'), [
        'PROVIDE_HIDDEN storage.modifier.provide',
        '__text_start variable.other.assignment',
        '= keyword.operator.assignment',
        '. variable.language.location-counter',
      ]);
      assert.deepEqual(line('} :text =0x90909090'), [
        'text entity.name.type.segment',
        '= keyword.operator.fill',
        '0x90909090 constant.numeric.hex',
      ]);
      assert.deepEqual(line('.rodata'), [
        '.rodata entity.name.type.section',
        'ALIGN keyword.other.attribute',
        '4 constant.numeric.decimal',
        '* keyword.operator.wildcard',
        'SORT_BY_ALIGNMENT keyword.other.input',
        '.rodata string.unquoted.section',
        '.rodata. string.unquoted.section',
        '* keyword.operator.wildcard',
      ]);
      assert.deepEqual(line('. = ALIGN(CONSTANT'), [
        '. variable.language.location-counter',
        '= keyword.operator.assignment',
        'ALIGN support.function.builtin',
        'CONSTANT support.function.builtin',
        'MAXPAGESIZE constant.language',
      ]);
      assert.deepEqual(line('__xen_guest'), [
        '__xen_guest support.type.section.guest',
        '0 constant.numeric.decimal',
        'INFO storage.type.section',
        'KEEP keyword.other.input',
        '* keyword.operator.wildcard',
        '__xen_guest support.type.section.guest',
      ]);
      assert.deepEqual(line('/DISCARD/').slice(0, 3), [
        '/DISCARD/ constant.language.discard',
        '* keyword.operator.wildcard',
        '.comment string.unquoted.section',
      ]);
    });

    it('knows the memory regions of the keyboard script where they are defined and used', () => {
      const regions = tokenize(readScript('keyboard'))
        .filter(({ scopes }) => scopes.includes('entity.name.type.region'))
        .map(({ text }) => text);
      const used = ['code', 'code', 'code', 'data', 'data', 'stacks', 'data', 'data', 'data'];
      assert.deepEqual(regions, ['code', 'data', 'code', 'code', 'data', ...used]);
    });
  });

  it("gives every token of the linker's own script a scope", function () {
    requireTool(this, 'ld');
    const script = execFileSync('ld', ['-m', 'elf_i386', '--verbose'], { encoding: 'utf8' }).split(/^=+$/m)[1] ?? '';
    assert.ok(script.includes('SECTIONS'));
    assert.deepEqual(plain(tokenize(script)), []);
  });

  it('tells the location counter from the dots of names and numbers', () => {
    assert.deepEqual(inSections('. = . + SIZEOF(.text.a);'), [
      '. variable.language.location-counter',
      '= keyword.operator.assignment',
      '. variable.language.location-counter',
      '+ keyword.operator.arithmetic',
      'SIZEOF support.function.builtin',
      '.text.a entity.name.type.section',
    ]);
  });

  it('reads A-B as one symbol and A - B as a subtraction, as ld does', () => {
    assert.deepEqual(innermost(tokenize('x = A-B; x -= A - B;')), [
      'x variable.other.assignment',
      '= keyword.operator.assignment',
      'A-B variable.other.symbol',
      'x variable.other.assignment',
      '-= keyword.operator.assignment',
      'A variable.other.symbol',
      '- keyword.operator.arithmetic',
      'B variable.other.symbol',
    ]);
  });

  it('tells bases and units of numbers', () => {
    assert.deepEqual(innermost(tokenize('x = 0x1F + 2K + 010 + 0FFh + 101b + 17o + $1f + 0x10M + 9d;')), [
      'x variable.other.assignment',
      '= keyword.operator.assignment',
      '0x1F constant.numeric.hex',
      '+ keyword.operator.arithmetic',
      '2 constant.numeric.decimal',
      'K keyword.other.unit',
      '+ keyword.operator.arithmetic',
      '010 constant.numeric.octal',
      '+ keyword.operator.arithmetic',
      '0FFh constant.numeric.hex',
      '+ keyword.operator.arithmetic',
      '101b constant.numeric.binary',
      '+ keyword.operator.arithmetic',
      '17o constant.numeric.octal',
      '+ keyword.operator.arithmetic',
      '$1f constant.numeric.hex',
      '+ keyword.operator.arithmetic',
      '0x10 constant.numeric.hex',
      'M keyword.other.unit',
      '+ keyword.operator.arithmetic',
      '9d constant.numeric.decimal',
    ]);
  });

  it('divides and multiplies without opening a comment, and comments only in /* */', () => {
    assert.deepEqual(innermost(tokenize('x = a / b * c /* d */ >> ~1;')), [
      'x variable.other.assignment',
      '= keyword.operator.assignment',
      'a variable.other.symbol',
      '/ keyword.operator.arithmetic',
      'b variable.other.symbol',
      '* keyword.operator.arithmetic',
      'c variable.other.symbol',
      'd comment.block',
      '>> keyword.operator.bitwise.shift',
      '~ keyword.operator.bitwise',
      '1 constant.numeric.decimal',
    ]);
  });

  it('does not take a guest section inside a longer name for one', () => {
    const guests = (text: string): readonly string[] =>
      inOutputSection(text).filter((token) => token.endsWith(' support.type.section.guest'));
    assert.deepEqual(guests('*(.note.Xen.old my.multiboot .parainstructions_x)'), []);
    assert.deepEqual(
      guests('*(.paravirtprobe .parainstructions .altinstructions __xen_guest .note.Xen)').map(
        (token) => token.split(' ')[0],
      ),
      ['.paravirtprobe', '.parainstructions', '.altinstructions', '__xen_guest', '.note.Xen'],
    );
  });

  it('reads file patterns, archives, classes, exclusions and flags', () => {
    assert.deepEqual(inOutputSection('*crt?.o(.text[0-9]* EXCLUDE_FILE (*a.o) .data.[!a]) *lib.a:b.o ("odd name")'), [
      '* keyword.operator.wildcard',
      'crt string.unquoted.file',
      '? keyword.operator.wildcard',
      '.o string.unquoted.file',
      '.text string.unquoted.section',
      '[0-9] constant.other.character-class',
      '* keyword.operator.wildcard',
      'EXCLUDE_FILE keyword.other.input',
      '* keyword.operator.wildcard',
      'a.o string.unquoted.file',
      '.data. string.unquoted.section',
      '[!a] constant.other.character-class',
      '* keyword.operator.wildcard',
      'lib.a:b.o string.unquoted.file',
      'odd name string.quoted.double',
    ]);
    assert.deepEqual(inOutputSection('INPUT_SECTION_FLAGS (SHF_MERGE & !SHF_STRINGS) KEEP(SORT(*)(.ctors))'), [
      'INPUT_SECTION_FLAGS keyword.other.input',
      'SHF_MERGE constant.language.section-flag',
      '& keyword.operator.bitwise',
      '! keyword.operator.logical',
      'SHF_STRINGS constant.language.section-flag',
      'KEEP keyword.other.input',
      'SORT keyword.other.input',
      '* keyword.operator.wildcard',
      '.ctors string.unquoted.section',
    ]);
  });

  it('reads what follows an output section, over lines', () => {
    assert.deepEqual(
      inSections('.a 0x10 (NOLOAD) : AT(ADDR(.a) - BASE)\n{\n} >ram \nAT>rom :text\n:NONE =fill\n.b : { }'),
      [
        '.a entity.name.type.section',
        '0x10 constant.numeric.hex',
        'NOLOAD storage.type.section',
        'AT keyword.other.attribute',
        'ADDR support.function.builtin',
        '.a entity.name.type.section',
        '- keyword.operator.arithmetic',
        'BASE variable.other.symbol',
        '> keyword.operator.region',
        'ram entity.name.type.region',
        'AT keyword.other.attribute',
        '> keyword.operator.region',
        'rom entity.name.type.region',
        'text entity.name.type.segment',
        'NONE constant.language.segment',
        '= keyword.operator.fill',
        'fill variable.other.symbol',
        '.b entity.name.type.section',
      ],
    );
  });

  it('reads overlays, data and section types', () => {
    assert.deepEqual(
      inSections('OVERLAY 0x1000 : NOCROSSREFS { .o1 { a/*.o(.x) } :p =0 }\n.t (TYPE = SHT_NOTE) : { LONG(. - 4) }'),
      [
        'OVERLAY keyword.control.block',
        '0x1000 constant.numeric.hex',
        'NOCROSSREFS storage.modifier',
        '.o1 entity.name.type.section',
        'a/ string.unquoted.file',
        '* keyword.operator.wildcard',
        '.o string.unquoted.file',
        '.x string.unquoted.section',
        'p entity.name.type.segment',
        '= keyword.operator.fill',
        '0 constant.numeric.decimal',
        '.t entity.name.type.section',
        'TYPE storage.type.section',
        '= keyword.operator.assignment',
        'SHT_NOTE constant.language.section-type',
        'LONG storage.type.data',
        '. variable.language.location-counter',
        '- keyword.operator.arithmetic',
        '4 constant.numeric.decimal',
      ],
    );
  });

  it('colours preprocessor lines and macro calls of .lds.S files', () => {
    const source = [
      '#include <asm/page.h>',
      '#define HEAD(a) \\',
      '  KEEP(*(.head##a))',
      '#ifdef CONFIG_X86_32',
      'SECTIONS {',
      '  NOTES :text :note',
      '  RO_DATA(PAGE_SIZE)',
      '  .text : { TEXT_TEXT }',
      '}',
      '#endif',
    ].join('\n');
    assert.deepEqual(
      innermost(tokenize(source)).filter((token) => !/ (meta|keyword\.operator)\./.test(token)),
      [
        'include keyword.control.directive.include',
        '<asm/page.h> string.quoted.include',
        'define keyword.control.directive.define',
        'HEAD entity.name.function.preprocessor',
        '(a) variable.parameter.preprocessor',
        '\\ constant.character.escape.line-continuation',
        'KEEP keyword.other.input',
        '.head variable.other.symbol',
        'a variable.other.symbol',
        'ifdef keyword.control.directive.conditional',
        'CONFIG_X86_32 variable.other.symbol',
        'SECTIONS keyword.control.block',
        'NOTES entity.name.function.macro',
        'text entity.name.type.segment',
        'note entity.name.type.segment',
        'RO_DATA entity.name.function.macro',
        'PAGE_SIZE variable.other.symbol',
        '.text entity.name.type.section',
        'TEXT_TEXT entity.name.function.macro',
        'endif keyword.control.directive.conditional',
      ],
    );
  });

  it('recovers after an unfinished line', () => {
    const tokens = innermost(tokenize('SECTIONS {\n  .text : { *(.text }\n}\nENTRY(_start)\n'));
    assert.deepEqual(tokens.slice(0, 2), ['SECTIONS keyword.control.block', '.text entity.name.type.section']);
    const half = innermost(tokenize('SECTIONS {\n  .te\n}\nENTRY(_start)\n'));
    assert.deepEqual(half.slice(1), [
      '.te entity.name.type.section',
      'ENTRY keyword.control.command',
      '_start entity.name.function.entry',
    ]);
  });

  it('knows version scripts', () => {
    assert.deepEqual(innermost(tokenize('VERSION { V1 { global: foo*; local: *; } V0; }')), [
      'VERSION keyword.control.block',
      'V1 variable.other.symbol',
      'global keyword.other.visibility',
      'foo variable.other.symbol',
      '* keyword.operator.wildcard',
      'local keyword.other.visibility',
      '* keyword.operator.wildcard',
      'V0 variable.other.symbol',
    ]);
  });
});

describe('linker script language configuration', () => {
  const configuration = JSON.parse(
    readFileSync(join(ROOT, 'language-configuration', 'linker-script.json'), 'utf8'),
  ) as { wordPattern: string; folding: { markers: { start: string; end: string } } };

  it('takes whole names as words', () => {
    const words = [...'A-B .note.Xen /DISCARD/ 0x1F 15M _start;'.matchAll(new RegExp(configuration.wordPattern, 'g'))];
    assert.deepEqual(words.map(String), ['A-B', '.note.Xen', '/DISCARD/', '0x1F', '15M', '_start']);
  });

  it('folds preprocessor conditionals', () => {
    assert.match('#ifdef CONFIG_XEN', new RegExp(configuration.folding.markers.start));
    assert.match('  # endif', new RegExp(configuration.folding.markers.end));
  });
});
