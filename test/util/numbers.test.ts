import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { fromBase64, toBase64 } from '../../src/util/base64.ts';
import { parseNumber, parseSize } from '../../src/util/numbers.ts';

describe('numbers in configurations', () => {
  it('reads sizes as QEMU does', () => {
    assert.equal(parseSize('128M', 'memory'), 134_217_728);
    assert.equal(parseSize('64k', 'memory'), 65_536);
    assert.equal(parseSize('1G', 'memory'), 1_073_741_824);
    assert.equal(parseSize('4096', 'memory'), 4096);
    for (const text of ['', 'M', '1.5G', '-1M', '128MB'])
      assert.throws(() => parseSize(text, 'memory'), /is not a size for "memory"/);
  });

  it('reads numbers in decimal and hexadecimal', () => {
    assert.equal(parseNumber('0xC0000000', 'bias'), 0xc0000000n);
    assert.equal(parseNumber('-16', 'bias'), -16n);
    assert.equal(parseNumber('-0x10', 'bias'), -16n);
    for (const text of ['', 'c0000000', '0x', '1 2'])
      assert.throws(() => parseNumber(text, 'bias'), /is not a number for "bias"/);
  });
});

describe('base64', () => {
  it('goes both ways at any length', () => {
    for (const length of [0, 1, 2, 3, 0x2000, 0x2001, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'));
      assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
    }
  });

  it('refuses what is not base64', () => assert.throws(() => fromBase64('%%'), /not base64/));
});
