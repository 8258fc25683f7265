import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as binary from '../../../src/cpu/floating-point/binary-arithmetic.ts';
import {
  DOUBLE,
  SINGLE,
  type BinaryFormat,
  type FloatControl,
  type FloatResult,
} from '../../../src/cpu/floating-point/binary-format.ts';
import { EXCEPTION, ROUNDING, roundingOf } from '../../../src/cpu/floating-point/environment.ts';
import { runHosted } from '../../support/assembler.ts';
import { requireTool } from '../../support/tools.ts';

const RECORD_SIZE = 40;
/** ZF PF CF as UCOMISS sets them (SDM 2, UCOMISS). */
const RELATION_FLAGS = { unordered: 0x45n, greater: 0n, less: 1n, equal: 0x40n };
const MASKED: FloatControl = {
  rounding: ROUNDING.nearest,
  flushToZero: false,
  denormalsAreZero: false,
  underflowMasked: true,
  overflowMasked: true,
};

type Operation = (format: BinaryFormat, a: bigint, b: bigint, control: FloatControl) => FloatResult;

function comparison(signaling: boolean): Operation {
  return (format, a, b, control) => {
    const { relation, flags } = binary.compare(format, a, b, control, signaling);
    return { value: RELATION_FLAGS[relation], flags };
  };
}

/** In the order of host-sse.c. */
const OPERATIONS: readonly (readonly [string, Operation])[] = [
  ['add', binary.add],
  ['subtract', binary.subtract],
  ['multiply', binary.multiply],
  ['divide', binary.divide],
  ['squareRoot', (format, a, _, control) => binary.squareRoot(format, a, control)],
  ['toInteger', (format, a, _, control) => binary.toInteger(format, a, 32, control)],
  ['toInteger truncating', (format, a, _, control) => binary.toInteger(format, a, 32, control, true)],
  ['fromInteger', (format, a, _, control) => binary.fromInteger(format, BigInt.asIntN(32, a), control)],
  ['convert', (format, a, _, control) => binary.convert(format, format.width === 32 ? DOUBLE : SINGLE, a, control)],
  ['compare quiet', comparison(false)],
  ['compare signaling', comparison(true)],
];

describe('floating-point/binary-arithmetic', () => {
  it('gives the values and exceptions of SSE and SSE2 on this computer', function () {
    requireTool(this, 'gcc');
    this.timeout(60_000);
    const records = Buffer.from(runHosted(readFileSync(join(import.meta.dirname, 'host-sse.c'), 'utf8')));
    assert.ok(records.length >= 60_000 * RECORD_SIZE);
    for (let at = 0; at < records.length; at += RECORD_SIZE) {
      const word = (n: number): number => records.readUInt32LE(at + n * 4);
      const [name, operation] = OPERATIONS[word(0)] ?? assert.fail('operation');
      const format = word(1) === 32 ? SINGLE : DOUBLE;
      const mxcsr = word(2);
      const control: FloatControl = {
        rounding: roundingOf(mxcsr >>> 13),
        flushToZero: (mxcsr & 0x8000) !== 0,
        denormalsAreZero: (mxcsr & 0x40) !== 0,
        underflowMasked: true,
        overflowMasked: true,
      };
      const operand = (n: number): bigint => BigInt.asUintN(format.width, records.readBigUInt64LE(at + 16 + n * 8));
      const [a, b] = [operand(0), operand(1)];
      const { value, flags } = operation(format, a, b, control);
      const hex = (bits: bigint): string => bits.toString(16);
      assert.deepEqual(
        { value: hex(value), flags },
        { value: hex(records.readBigUInt64LE(at + 32)), flags: word(3) & 0x3f },
        `${name} ${format.width} ${hex(a)} ${hex(b)} MXCSR ${mxcsr.toString(16)}`,
      );
    }
  });

  it('reports an exact tiny result only while underflow is unmasked (SDM 1, 4.9.1.5)', () => {
    const [least, half] = [0x0080_0000n, 0x3f00_0000n];
    assert.deepEqual(binary.multiply(SINGLE, least, half, MASKED), { value: 0x0040_0000n, flags: 0 });
    const unmasked = { ...MASKED, underflowMasked: false };
    assert.deepEqual(binary.multiply(SINGLE, least, half, unmasked), {
      value: 0x0040_0000n,
      flags: EXCEPTION.underflow,
    });
  });

  it('makes 64-bit integers (SDM 2, CVTSD2SI)', () => {
    const two63 = 0x43e0_0000_0000_0000n;
    assert.deepEqual(binary.toInteger(DOUBLE, two63, 64, MASKED), { value: 1n << 63n, flags: EXCEPTION.invalid });
    assert.deepEqual(binary.toInteger(DOUBLE, two63 - 1n, 64, MASKED), { value: 0x7fff_ffff_ffff_fc00n, flags: 0 });
  });
});
