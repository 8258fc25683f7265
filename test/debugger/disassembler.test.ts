import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { listCode } from '../../src/debugger/code-listing.ts';
import type { CodeSource } from '../../src/debugger/code-listing.ts';
import { Disassembler } from '../../src/debugger/disassembler.ts';
import type { AssemblySyntax, CodeContext } from '../../src/debugger/disassembler.ts';
import { requireTool } from '../support/tools.ts';

const KERNEL = 'samples/multiboot/multiboot.elf';
/** The text segment of the sample: file offset 0 is address 0x100000 (readelf -l). */
const BASE = 0x100000n;
const bytes = readFileSync(KERNEL).subarray(0, 0xa54);

const context: CodeContext = { bits: 32, base: 0n, nameOf: () => undefined };

function source(functionStart: CodeSource['functionStart'] = () => undefined): CodeSource {
  return {
    context,
    functionStart,
    read: (address, count) => {
      const at = Number(address - BASE);
      return at < 0 ? new Uint8Array() : bytes.subarray(at, at + count);
    },
  };
}

interface Line {
  readonly address: bigint;
  readonly bytes: string;
  readonly text: string;
}

/** The lines of objdump for an address range, its symbols and comments left out. */
function objdump(syntax: AssemblySyntax, start: bigint, stop: bigint): Line[] {
  const output = execFileSync(
    'objdump',
    ['-d', '-w', '-M', syntax, `--start-address=${start}`, `--stop-address=${stop}`, KERNEL],
    { encoding: 'utf8' },
  );
  return [...output.matchAll(/^ +([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t(.*)$/gm)].map(([, address, code, text]) => ({
    address: BigInt(`0x${address ?? ''}`),
    bytes: (code ?? '').trim(),
    text: normalise((text ?? '').replace(/<.*>/, '')),
  }));
}

/** Spacing, and the notations in which both are right: objdump writes branch targets without 0x. */
function normalise(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/, /g, ',')
    .replace(/\b(call|j\w+) (?=[0-9a-f]+ ?$)/, '$1 0x')
    .trim();
}

describe('disassembler', () => {
  it('shows what this CPU executes: REP BSF is BSF without BMI1 (SDM 2, TZCNT)', () => {
    const code = Uint8Array.from([0xf3, 0x0f, 0xbc, 0xc1]);
    const [line] = new Disassembler('intel').disassemble(code, BASE, 1, context);
    assert.match(line?.text ?? '', /\bbsf eax, ecx$/);
  });

  for (const syntax of ['att', 'intel'] as const)
    it(`reads the sample's first function as objdump does (${syntax})`, function () {
      requireTool(this, 'objdump');
      // Behind it the two differ in how they write the operands of STOS.
      const [start, stop] = [0x1000d0n, 0x1000f0n];
      const expected = objdump(syntax, start, stop);
      const disassembler = new Disassembler(syntax);
      const found = disassembler
        .disassemble(bytes.subarray(0xd0, 0x100), start, expected.length, context)
        .map(({ address, bytes: code, text }) => ({
          address,
          bytes: Buffer.from(code)
            .toString('hex')
            .replace(/(..)(?=.)/g, '$1 '),
          text: normalise(text),
        }));
      assert.deepEqual(found, expected);
    });

  it('has the boundaries of objdump for the whole text section', function () {
    requireTool(this, 'objdump');
    const expected = objdump('att', 0x1000d0n, 0x100781n).map(({ address }) => address);
    const rows = listCode(new Disassembler('att'), source(), 0x1000d0n, 0, expected.length);
    assert.deepEqual(
      rows.map(({ address }) => address),
      expected,
    );
  });

  it('lists backwards what it lists forwards', function () {
    requireTool(this, 'objdump');
    const addresses = objdump('att', 0x1000d0n, 0x100781n).map(({ address }) => address);
    const disassembler = new Disassembler('att');
    const end = addresses.at(-1) ?? 0n;
    // The starts of functions are known, as a symbol table gives them.
    const starts = [0x1000d0n, 0x1000fdn, 0x100100n, 0x100102n];
    const functionStart = (address: bigint): bigint | undefined =>
      starts.findLast((start) => start <= address && address < 0x100110n);
    for (const at of addresses.slice(20, 60)) {
      const rows = listCode(disassembler, source(functionStart), at, -12, 12).map(({ address }) => address);
      const index = addresses.indexOf(at);
      assert.deepEqual(rows, addresses.slice(index - 12, index), `before 0x${at.toString(16)}`);
    }
    assert.ok(end > 0x100700n);
  });

  it('gives exactly as many rows as asked for, unreadable ones among them', () => {
    const rows = listCode(new Disassembler('intel'), source(), BASE + 0xa50n, -3, 12);
    assert.equal(rows.length, 12);
    assert.equal(rows.filter(({ instruction }) => instruction === undefined).length > 0, true);
    assert.equal(rows[3]?.address, BASE + 0xa50n);
  });

  it('gives unreadable rows before the start of memory', () => {
    const rows = listCode(new Disassembler('intel'), source(), BASE, -4, 5);
    assert.deepEqual(
      rows.map(({ address, instruction }) => [address, instruction === undefined]),
      [
        [BASE - 4n, true],
        [BASE - 3n, true],
        [BASE - 2n, true],
        [BASE - 1n, true],
        [BASE, false],
      ],
    );
  });

  it('skips ahead with a positive offset', () => {
    const disassembler = new Disassembler('intel');
    const straight = listCode(disassembler, source(), 0x1000d0n, 0, 8);
    assert.deepEqual(listCode(disassembler, source(), 0x1000d0n, 5, 3), straight.slice(5));
  });

  it('names the targets of branches and absolute memory operands', () => {
    const names = new Map([
      [0x100105n, 'target'],
      [0x104000n, 'pv_irq_ops'],
    ]);
    const named: CodeContext = { ...context, nameOf: (address) => names.get(address) };
    // call 0x100105; call *0x104000; mov eax, [ecx+0x104000]
    const code = Uint8Array.from([0xe8, 0, 1, 0, 0, 0xff, 0x15, 0, 0x40, 0x10, 0, 0x8b, 0x81, 0, 0x40, 0x10, 0]);
    const texts = new Disassembler('intel').disassemble(code, 0x100000n, 3, named).map(({ text }) => text);
    assert.deepEqual(texts, [
      'call 0x100105 <target>',
      'call dword ptr [0x104000] <pv_irq_ops>',
      'mov eax, [ecx+0x104000]',
    ]);
  });

  it('takes branch targets as offsets in the code segment', () => {
    const named: CodeContext = { bits: 16, base: 0xffff0000n, nameOf: (address) => address.toString(16) };
    // jmp 0xe05b at f000:fff0 is ffff:e05b in linear addresses.
    const [row] = new Disassembler('intel').disassemble(Uint8Array.from([0xe9, 0x68, 0xe0]), 0xfffffff0n, 1, named);
    assert.equal(row?.text, 'jmp 0xe05b <ffffe05b>');
  });

  it('decodes 16-bit code and says what is no instruction', () => {
    const sixteen: CodeContext = { ...context, bits: 16 };
    const rows = new Disassembler('intel').disassemble(Uint8Array.from([0xb8, 1, 0, 0x0f, 0xff, 0x90]), 0n, 9, sixteen);
    assert.equal(rows[0]?.text, 'mov ax, 0x1');
    const bad = new Disassembler('intel').disassemble(
      Uint8Array.from([0x0f, 0x04, ...Array<number>(20).fill(0x90)]),
      0n,
      3,
      context,
    );
    assert.deepEqual(
      bad.map(({ address, text }) => [address, text]),
      [
        [0n, '(bad)'],
        [1n, 'add al, 0x90'],
        [3n, 'nop'],
      ],
    );
  });
});
