import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { findPayload } from '../../src/image/payload.ts';
import { findSetupHeader, SetupHeader } from '../../src/image/setup-header.ts';
import { ByteReader } from '../../src/util/bytes.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { bzImage, CODE, CODE_OFFSET } from '../boot/bz-image.ts';
import { buildKernel } from '../boot/kernels.ts';
import { Random } from '../support/random.ts';
import { compress, COMPRESSORS } from './compression/compressors.ts';

function unpack(bytes: Uint8Array): { readonly description: string; readonly kernel: Buffer } {
  const reader = new ByteReader('vmlinuz', bytes);
  const header = findSetupHeader(reader);
  assert.ok(header instanceof SetupHeader);
  const payload = findPayload(reader, header);
  return { description: payload.description, kernel: Buffer.from(payload.unpack()) };
}

function refusal(bytes: Uint8Array): StartOfDayError {
  try {
    unpack(bytes);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError, String(error));
    return error;
  }
  return assert.fail('nothing was wrong');
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** As the Linux build does it: the compressed kernel and, but for gzip, its size behind it (scripts/Makefile.lib, size_append). */
function packed(test: Context, name: string, kernel: Uint8Array): Buffer {
  const bytes = Buffer.from(compress(test, name, kernel));
  return name === 'gzip' ? bytes : Buffer.concat([bytes, word(kernel.length)]);
}

function image(payload: Uint8Array, header: Parameters<typeof bzImage>[0] = {}): Uint8Array {
  const code = Buffer.concat([CODE, payload, Buffer.alloc(64, 0x90)]);
  return bzImage({ version: 0x20f, jump: 0x6a, code, payload: [CODE.length, payload.length], ...header });
}

describe('The kernel inside a bzImage', function () {
  this.timeout(30_000);

  for (const name of COMPRESSORS)
    it(`is found by payload_offset and unpacked from ${name}`, function () {
      const kernel = buildKernel(this);
      const { description, kernel: found } = unpack(image(packed(this, name, kernel)));
      assert.equal(description, `${name} payload at file offset 0x${(CODE_OFFSET + CODE.length).toString(16)}`);
      assert.ok(found.equals(kernel));
    });

  it('is found by its magic number before 2.08, past what looks like one', function () {
    const kernel = buildKernel(this);
    const decoy = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xff, 0xff]);
    const bytes = image(Buffer.concat([decoy, compress(this, 'gzip', kernel)]), { version: 0x204, jump: 0x32 });
    const { description, kernel: found } = unpack(bytes);
    assert.equal(
      description,
      `gzip payload at file offset 0x${(CODE_OFFSET + CODE.length + decoy.length).toString(16)}`,
    );
    assert.ok(found.equals(kernel));
    assert.match(
      refusal(bzImage({ version: 0x204 })).detail ?? '',
      /^Boot protocol 2\.04 does not say .* none of 0 places/,
    );
  });

  it('may be there as it is', function () {
    const kernel = buildKernel(this);
    assert.ok(unpack(image(kernel)).kernel.equals(kernel));
  });

  it('is refused with the field that is wrong', function () {
    const kernel = buildKernel(this);
    const payload = packed(this, 'LZ4', kernel);
    const at = CODE_OFFSET + CODE.length;
    assert.equal(refusal(image(payload, { payload: [0, 0] })).code, 'no-payload');
    for (const [offset, length] of [
      [CODE.length, 0x7fffffff],
      [0xffffffff, 16],
      [CODE.length, 0],
      [CODE.length, 0xffffffff],
    ] as const) {
      const error = refusal(image(payload, { payload: [offset, length] }));
      assert.equal(error.code, 'payload-outside');
      assert.match(
        error.detail ?? '',
        /^payload_offset at file offset 0x248 is 0x[0-9a-f]+ and payload_length at 0x24c is/,
      );
    }
    const unknown = refusal(image(Buffer.from('not compressed at all')));
    assert.equal(unknown.code, 'payload-format');
    assert.match(unknown.detail ?? '', new RegExp(`^At file offset 0x${at.toString(16)} stands 6e 6f 74 20 63 6f;`));
    const sized = (size: number): StartOfDayError =>
      refusal(image(Buffer.concat([payload.subarray(0, -4), word(size)])));
    assert.equal(sized(kernel.length - 1).code, 'payload-damaged');
    assert.match(
      sized(kernel.length + 1).detail ?? '',
      new RegExp(`say .* bytes; ${kernel.length.toLocaleString('en')} came out$`),
    );
    assert.match(sized(0xffffffff).detail ?? '', /4,294,967,295 bytes; a kernel has at most 1,073,741,824$/);
  });

  it('never crashes, whatever the header says', function () {
    const payload = packed(this, 'LZ4', buildKernel(this).subarray(0, 5000));
    const bytes = image(payload);
    const random = new Random(7);
    for (let round = 0; round < 400; round++) {
      const damaged = new Uint8Array(bytes);
      for (let n = random.below(4); n >= 0; n--) damaged[0x1f1 + random.below(0x80)] = random.below(256);
      const cut = random.oneIn(4) ? damaged.subarray(0, random.below(damaged.length)) : damaged;
      const reader = new ByteReader('vmlinuz', cut);
      const header = findSetupHeader(reader);
      if (typeof header === 'string') continue;
      try {
        assert.ok(findPayload(reader, header).unpack().length >= 0);
      } catch (error) {
        assert.ok(error instanceof StartOfDayError, String(error));
        assert.match(`${error.title} ${error.detail ?? ''}`, /0x|bytes/);
      }
    }
  });
});
