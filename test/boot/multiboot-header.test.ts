import assert from 'node:assert/strict';
import { checksumFor, findMultibootHeader, unknownRequirement } from '../../src/boot/multiboot-header.ts';
import type { HeaderSearch } from '../../src/boot/multiboot-header.ts';
import { ByteReader } from '../../src/util/bytes.ts';

/** A file of `size` bytes with words at offsets. */
function search(size: number, words: Readonly<Record<number, readonly number[]>>): HeaderSearch {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [offset, values] of Object.entries(words))
    values.forEach((value, index) => view.setUint32(Number(offset) + index * 4, value, true));
  return findMultibootHeader(new ByteReader('kernel.bin', bytes));
}

const RIGHT = [0x1badb002, 3, 0xe4524ffb];
const WRONG = [0x1badb002, 3, 0xe4524ffc];

describe('Multiboot header search', () => {
  it('finds a header anywhere in the first 8192 bytes', () => {
    for (const offset of [0, 4, 0x1004, 8180]) assert.equal(search(8192, { [offset]: RIGHT }).header?.offset, offset);
    assert.deepEqual(search(12, { 0: RIGHT }).header, {
      offset: 0,
      flags: 3,
      checksum: 0xe4524ffb,
      addresses: undefined,
      video: undefined,
    });
  });

  it('passes over a magic number with a wrong checksum and remembers it', () => {
    assert.equal(search(8192, { 0x10: WRONG, 0x100: RIGHT }).header?.offset, 0x100);
    assert.deepEqual(search(8192, { 0x10: WRONG }), {
      header: undefined,
      near: { offset: 0x10, flags: 3, checksum: 0xe4524ffc, problem: 'wrong checksum' },
    });
  });

  it('takes the first of two headers', () => {
    assert.equal(search(8192, { 0x40: RIGHT, 0x20: RIGHT }).header?.offset, 0x20);
  });

  it('tells a header that ends past 8192 bytes, or past the file, from none', () => {
    assert.equal(search(16384, { 8184: RIGHT }).near?.problem, 'too far');
    assert.equal(search(16384, { 8192: RIGHT }).near?.problem, 'too far');
    assert.deepEqual(search(16384, {}), { header: undefined, near: undefined });
    const kludge = [0x1badb002, 0x10003, checksumFor(0x10003)];
    assert.equal(search(8192, { 8164: kludge }).near?.problem, 'cut');
    assert.equal(search(8192, { 8160: kludge }).header?.offset, 8160);
    assert.equal(search(20, { 0: kludge }).near?.problem, 'cut');
    assert.equal(search(11, { 0: [0x1badb002, 3] }).near, undefined);
  });

  it('tells a header that is not aligned', () => {
    assert.deepEqual(search(8192, { 0x22: RIGHT }).near, {
      offset: 0x22,
      flags: 3,
      checksum: 0xe4524ffb,
      problem: 'unaligned',
    });
  });

  it('reads address and video fields', () => {
    const flags = 0x10004;
    const { header } = search(64, { 0: [0x1badb002, flags, checksumFor(flags), 1, 2, 3, 4, 5, 6, 7, 8, 9] });
    assert.deepEqual(header?.addresses, {
      header_addr: 1,
      load_addr: 2,
      load_end_addr: 3,
      bss_end_addr: 4,
      entry_addr: 5,
    });
    assert.deepEqual(header.video, { mode_type: 6, width: 7, height: 8, depth: 9 });
  });

  it('knows requirements 0, 1 and 2 and ignores bits from 16 on', () => {
    assert.equal(unknownRequirement(7), undefined);
    assert.equal(unknownRequirement(0xffff0007), undefined);
    assert.equal(unknownRequirement(0xb), 3);
    assert.equal(unknownRequirement(0x8000), 15);
    assert.equal(unknownRequirement(0xfff8), 3);
  });

  it('is quick where a file is full of the first byte of the magic number', () => {
    const bytes = new Uint8Array(4 << 20).fill(0x02);
    assert.equal(findMultibootHeader(new ByteReader('kernel.bin', bytes)).header, undefined);
  });
});
