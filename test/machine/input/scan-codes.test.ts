import assert from 'node:assert/strict';
import { pressAndRelease, toSet2, translateToSet1, typedText } from '../../../src/machine/input/scan-codes.ts';
import { StartOfDayError } from '../../../src/util/errors.ts';

describe('scan codes', () => {
  it('are those of set 1', () => {
    const makes: Readonly<Record<string, number>> = {
      '1': 0x02,
      '0': 0x0b,
      '=': 0x0d,
      q: 0x10,
      ']': 0x1b,
      a: 0x1e,
      "'": 0x28,
      '`': 0x29,
      '\\': 0x2b,
      z: 0x2c,
      '/': 0x35,
      ' ': 0x39,
      Enter: 0x1c,
      Escape: 0x01,
      F1: 0x3b,
      F12: 0x58,
    };
    for (const [key, make] of Object.entries(makes)) assert.deepEqual(pressAndRelease(key), [make, make | 0x80], key);
  });

  it('have the prefix 0xe0 for the keys that the AT added', () => {
    assert.deepEqual(pressAndRelease('ArrowLeft'), [0xe0, 0x4b, 0xe0, 0xcb]);
    assert.deepEqual(pressAndRelease('Delete'), [0xe0, 0x53, 0xe0, 0xd3]);
  });

  it('hold Shift for what needs it', () => {
    assert.deepEqual(typedText('aA!\n'), [
      ...[0x1e, 0x9e],
      ...[0x2a, 0x1e, 0x9e, 0xaa],
      ...[0x2a, 0x02, 0x82, 0xaa],
      ...[0x1c, 0x9c],
    ]);
  });

  it('exist for every printable ASCII character', () => {
    for (let code = 0x20; code < 0x7f; code++) assert.doesNotThrow(() => typedText(String.fromCharCode(code)));
  });

  it('do not exist for other characters', () => {
    assert.throws(
      () => typedText('né'),
      (error) => error instanceof StartOfDayError && error.code === 'no-such-key' && error.title.includes('"é"'),
    );
    assert.throws(() => pressAndRelease('Hyper'), { code: 'no-such-key' });
    assert.throws(() => pressAndRelease(''), { code: 'no-such-key' });
  });

  it('go to set 2 and back', () => {
    // a, Enter, F7, keypad 5, left Shift: IBM's set 2 codes.
    assert.deepEqual(toSet2([0x1e, 0x1c, 0x41, 0x4c, 0x2a]), [0x1c, 0x5a, 0x83, 0x73, 0x12]);
    for (let code = 1; code < 0x80; code++) {
      assert.deepEqual(toSet2([code]).map(translateToSet1), [code]);
      // 0xe0 and 0xe1 are prefixes, not releases of the keys 0x60 and 0x61, which do not exist.
      if (code < 0x60) assert.deepEqual(toSet2([code | 0x80]), [0xf0, ...toSet2([code])]);
    }
    // Replies and prefixes stay.
    for (const reply of [0xaa, 0xab, 0xe0, 0xee, 0xfa, 0xfe]) assert.equal(translateToSet1(reply), reply);
  });
});
