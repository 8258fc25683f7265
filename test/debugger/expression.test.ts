import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { evaluate } from '../../src/debugger/expression/evaluate.ts';
import type { ExpressionScope } from '../../src/debugger/expression/evaluate.ts';
import { typeName } from '../../src/debugger/expression/types.ts';
import { StartOfDayError } from '../../src/util/errors.ts';

const registers = new Map([
  ['eax', { value: 0x2badb002n, bits: 32 }],
  ['esp', { value: 0x1000n, bits: 32 }],
  ['al', { value: 0x02n, bits: 8 }],
  ['ebp', { value: 0xfffffffcn, bits: 32 }],
  ['eflags.zf', { value: 1n, bits: 1 }],
  ['cs.base', { value: 0n, bits: 32 }],
]);
const symbols = new Map([
  ['_start', 0x100010n],
  ['pv_irq_ops', 0x104000n],
  ['memcpy.part.0', 0x100200n],
]);
/** 16 bytes at 0x1000: 01 02 03 ... 0f, then the byte ff; nothing behind them. */
const memory = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff]);

const scope: ExpressionScope = {
  register: (name) => registers.get(name),
  symbol: (name) => symbols.get(name),
  read: (address, bytes) =>
    address >= 0x1000n ? memory.subarray(Number(address) - 0x1000, Number(address) - 0x1000 + bytes) : new Uint8Array(),
  registerNames: () => registers.keys(),
  symbolNames: () => symbols.keys(),
};

function valueOf(source: string): bigint {
  return evaluate(source, scope).value;
}
function errorOf(source: string): StartOfDayError {
  try {
    evaluate(source, scope);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError, String(error));
    return error;
  }
  throw new Error(`${source} has a value`);
}

describe('expression', () => {
  it('names a register with $, with % and bare, in any case', () => {
    for (const name of ['$eax', '%eax', 'eax', 'EAX', '$EAX']) assert.equal(valueOf(name), 0x2badb002n, name);
  });

  it('names fields of registers and symbols with dots', () => {
    assert.equal(valueOf('$eflags.zf'), 1n);
    assert.equal(valueOf('eflags.zf'), 1n);
    assert.equal(valueOf('$cs.base'), 0n);
    assert.equal(valueOf('memcpy.part.0'), 0x100200n);
    assert.equal(valueOf('&_start'), 0x100010n);
  });

  // Values of the C expressions as gcc -m32 computes them.
  const arithmetic: [string, bigint][] = [
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['10 - 4 - 3', 3n],
    ['7 / 2', 3n],
    ['-7 / 2', -3n],
    ['-7 % 3', -1n],
    ['1 << 4 | 1', 17n],
    ['0xf0 & 0x3c ^ 0xff', 0xcfn],
    ['~0', -1n],
    ['~0u', 0xffffffffn],
    ['-1 < 0u', 0n],
    ['-1 < 0', 1n],
    ['0xffffffff + 1', 0n],
    ['4294967295 + 1', 4294967296n],
    ['0x7fffffff + 1', -0x80000000n],
    ['0xffffffffull + 1', 0x100000000n],
    ['3 == 3 && 2 != 2', 0n],
    ['1 ? 2 : 3', 2n],
    ['0 ? 2 : 0 ? 4 : 5', 5n],
    ["'A' + 1", 66n],
    ["'\\n'", 10n],
    ['0b101', 5n],
    ['!5', 0n],
    ['(u8)0x1ff', 0xffn],
    ['(signed char)0xff', -1n],
    ['(unsigned char)-1 >> 1', 127n],
    ['(int16_t)0x8000', -0x8000n],
    ['$ebp + 8', 4n],
    ['eax %al', 0n],
    ['5 % 3', 2n],
    ['5 %al', 1n],
  ];
  for (const [source, expected] of arithmetic)
    it(`${source} is ${expected}`, () => assert.equal(valueOf(source), expected));

  const memoryReads: [string, bigint][] = [
    ['*(u32*)0x1000', 0x04030201n],
    ['*(uint8_t*)($esp+4)', 5n],
    ['*(unsigned short *)$esp', 0x0201n],
    ['dword [esp+4]', 0x08070605n],
    ['dword ptr [esp + 4]', 0x08070605n],
    ['byte[$esp]', 1n],
    ['u32[0x1004]', 0x08070605n],
    ['qword [0x1000]', 0x0807060504030201n],
    ['*(s8*)0x100f', -1n],
    ['((u16*)0x1000)[2]', 0x0605n],
    ['*((u32*)0x1000 + 1)', 0x08070605n],
    ['*(u32*)$esp + 1', 0x04030202n],
    ['&u32[$esp]', 0x1000n],
  ];
  for (const [source, expected] of memoryReads)
    it(`${source} is ${expected}`, () => assert.equal(valueOf(source), expected));

  it('says where a value lies, so that it can be shown as memory', () => {
    assert.equal(evaluate('*(u32*)($esp+4)', scope).address, 0x1004n);
    assert.equal(evaluate('$esp+4', scope).address, undefined);
  });

  it('knows the C type of a result', () => {
    assert.equal(typeName(evaluate('$eax', scope).type), 'uint32');
    assert.equal(typeName(evaluate('_start', scope).type), 'void *');
    assert.equal(typeName(evaluate('(u16*)0', scope).type), 'uint16 *');
    assert.equal(typeName(evaluate('1', scope).type), 'int32');
  });

  it('does not read through a pointer that && guards', () => {
    assert.equal(valueOf('0 && *(u32*)0'), 0n);
    assert.equal(valueOf('1 || *(u32*)0'), 1n);
  });

  const bad: [string, string, string | undefined][] = [
    ['$eex', 'There is no register "eex"', 'Did you mean "eax"?'],
    ['_strat', 'There is no symbol or register "_strat"', 'Did you mean "_start"?'],
    ['nothing_like_it', 'There is no symbol or register "nothing_like_it"', undefined],
    [
      '*$esp',
      '"uint32" does not say how wide the memory behind it is',
      'Give the width: *(u32*)address, or u32[address].',
    ],
    ['*(u32*)0x100e', 'There is no memory at 0x00001010', undefined],
    ['1 / 0', 'Division by zero', undefined],
    ['', 'The expression is empty', undefined],
    ['1 +', 'The expression ends where a number, a register, a symbol or "(" is needed', undefined],
    ['(1', 'The expression ends where ")" is needed', undefined],
    ['1 2', '"2" stands where an operator is needed', undefined],
    ['eax = 1', '"=" does not assign here', 'Compare with "==", or change a register in the Variables view.'],
    ['12ab', '"12ab" is not a number', 'Hexadecimal numbers start with 0x.'],
    ['u32', 'The type "u32" needs an address', 'Write u32[address].'],
    ['1 # 2', '"#" has no meaning in an expression', undefined],
    ['(u32**)0', 'A pointer to a pointer is not a type here', 'Cast to u32* and dereference twice.'],
    ['&$eax', '"&" needs something in memory', undefined],
  ];
  for (const [source, title, mend] of bad)
    it(`explains "${source}"`, () => {
      const error = errorOf(source);
      assert.equal(error.title, title);
      assert.equal(error.mend, mend);
    });

  it('says at which column the grammar is broken', () => {
    assert.equal(errorOf('1 + )').detail, 'In "1 + )" at column 5');
  });
});
