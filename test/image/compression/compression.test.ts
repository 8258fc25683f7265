import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Context } from 'mocha';
import { compressionOf, decompress } from '../../../src/image/compression/compression.ts';
import { StartOfDayError } from '../../../src/util/errors.ts';
import { Random } from '../../support/random.ts';
import { compress, COMPRESSORS } from './compressors.ts';

/** Machine code with its data, and what compressors find hard or easy. */
function sample(): Uint8Array {
  const code = readFileSync(process.execPath).subarray(0x1000000, 0x1000000 + 400_000);
  const random = new Random(1);
  const noise = Uint8Array.from({ length: 70_000 }, () => random.below(256));
  return Buffer.concat([
    code,
    Buffer.alloc(100_000),
    noise,
    Buffer.from('start of day '.repeat(3000)),
    code.subarray(0, 999),
  ]);
}

function unpacked(bytes: Uint8Array, limit: number): Uint8Array {
  const compression = compressionOf(bytes) ?? assert.fail('not recognised');
  return decompress(compression, { file: 'vmlinuz', bytes, offset: 0x1000 }, limit);
}

function refusal(bytes: Uint8Array, limit: number): StartOfDayError {
  try {
    unpacked(bytes, limit);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError, String(error));
    return error;
  }
  return assert.fail('nothing was wrong');
}

describe('Compressed kernels', function () {
  this.timeout(60_000);

  for (const name of COMPRESSORS) {
    const packed = (test: Context, data: Uint8Array): Uint8Array => compress(test, name, data);

    it(`unpacks what the tool of ${name} packed`, function () {
      const data = sample();
      const bytes = packed(this, data);
      assert.equal(compressionOf(bytes)?.name, name);
      assert.ok(Buffer.from(unpacked(bytes, data.length)).equals(data));
      for (const text of ['', 'a', 'abcdefghijklmnopqrstuvwxyz', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa']) {
        const small = Buffer.from(text);
        assert.ok(Buffer.from(unpacked(packed(this, small), 100)).equals(small), text);
      }
    });

    it(`stops ${name} at the size that may come out, with the file offset`, function () {
      const data = Buffer.alloc(1 << 20);
      const error = refusal(packed(this, data), data.length - 1);
      assert.equal(error.code, 'payload-damaged');
      assert.match(error.title, new RegExp(`^The ${name} data in vmlinuz is damaged$`));
      assert.match(error.detail ?? '', /^At file offset 0x[12][0-9a-f]{3}: .*1048575/);
    });

    it(`tells of ${name} data that ends early`, function () {
      const bytes = packed(this, sample().subarray(0, 50_000));
      for (const length of [(compressionOf(bytes)?.magic.length ?? 0) + 1, 20, bytes.length >> 1, bytes.length - 40])
        assert.equal(refusal(bytes.subarray(0, length), 60_000).code, 'payload-damaged', `${length} bytes`);
    });

    it(`survives damaged ${name} data`, function () {
      const data = sample().subarray(380_000, 420_000);
      const bytes = packed(this, data);
      const random = new Random(2);
      for (let round = 0; round < 40; round++) {
        const damaged = new Uint8Array(bytes);
        const from = round < 20 ? 64 : damaged.length;
        for (let n = random.below(4); n >= 0; n--) damaged[9 + random.below(from - 9)] = random.below(256);
        try {
          assert.ok(unpacked(damaged, data.length).length <= data.length);
        } catch (error) {
          assert.ok(error instanceof StartOfDayError, String(error));
          assert.match(error.detail ?? '', /^At file offset 0x[0-9a-f]+: /);
        }
      }
    });
  }

  it('compares the checks that xz and gzip have', function () {
    const data = sample().subarray(0, 1000);
    const xz = compress(this, 'xz', data);
    // The CRC32 of the block stands before the index, whose size is in the footer.
    const index = 4 * (1 + Buffer.from(xz).readUInt32LE(xz.length - 8));
    const check = xz.length - 12 - index - 4;
    xz[check] = (xz[check] ?? 0) ^ 1;
    assert.match(
      refusal(xz, 1000).detail ?? '',
      new RegExp(`^At file offset 0x${(0x1000 + check).toString(16)}: the CRC32 of what`),
    );
    const gzip = compress(this, 'gzip', data);
    gzip[gzip.length - 8] = (gzip[gzip.length - 8] ?? 0) ^ 1;
    assert.match(refusal(gzip, 1000).detail ?? '', /: the CRC32 of what came out is another one/);
  });

  it('unpacks xz with several blocks, and with stored chunks', function () {
    const data = sample();
    assert.ok(Buffer.from(unpacked(compress(this, 'xz', data, '--block-size=65536'), data.length)).equals(data));
    const random = new Random(3);
    const noise = Buffer.from(Uint8Array.from({ length: 200_000 }, () => random.below(256)));
    assert.ok(Buffer.from(unpacked(compress(this, 'xz', noise), noise.length)).equals(noise));
  });

  it('allocates nothing for a window that a zstd frame only claims', () => {
    const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 1, 0, 0);
    assert.match(refusal(frame, 1000).detail ?? '', /a window of 1073741824 bytes; at most 134217728 are allowed/);
  });
});
