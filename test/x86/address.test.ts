import assert from 'node:assert/strict';
import { StartOfDayError } from '../../src/util/errors.ts';
import { formatAddress, parseAddress } from '../../src/x86/address.ts';

describe('addresses', () => {
  it('reads and writes the three notations', () => {
    assert.deepEqual(parseAddress('phys:0x1000'), { space: 'physical', value: 0x1000 });
    assert.deepEqual(parseAddress('lin:0xc0101f40'), { space: 'linear', value: 0xc0101f40 });
    assert.deepEqual(parseAddress('f000:fff0'), { space: 'segmented', segment: 0xf000, offset: 0xfff0 });
    for (const text of ['phys:0x1000', 'lin:0xc0101f40', 'f000:fff0', 'lin:0x0'])
      assert.equal(formatAddress(parseAddress(text)), text);
  });

  it('takes a bare number as linear', () => {
    assert.deepEqual(parseAddress(' 4096 '), { space: 'linear', value: 4096 });
    assert.deepEqual(parseAddress('0xFFFFFFFF'), { space: 'linear', value: 0xffffffff });
  });

  it('says what an address looks like when it is none', () => {
    for (const text of ['', 'mach:0x1', 'lin:', '0x100000000', '4294967296', 'f000:', 'phys:-1'])
      assert.throws(
        () => parseAddress(text),
        (error) => error instanceof StartOfDayError && error.code === 'address-syntax',
      );
  });
});
