import assert from 'node:assert/strict';
import { scanCodes } from '../../src/webview/screen/keys.ts';

describe('keys of the Screen view', () => {
  // Scan code set 1 of the IBM PS/2 Technical Reference.
  const CODES: readonly [key: string, down: readonly number[], up: readonly number[]][] = [
    ['KeyA', [0x1e], [0x9e]],
    ['Digit0', [0x0b], [0x8b]],
    ['Minus', [0x0c], [0x8c]],
    ['Quote', [0x28], [0xa8]],
    ['Backslash', [0x2b], [0xab]],
    ['Slash', [0x35], [0xb5]],
    ['Space', [0x39], [0xb9]],
    ['Enter', [0x1c], [0x9c]],
    ['ShiftLeft', [0x2a], [0xaa]],
    ['ArrowLeft', [0xe0, 0x4b], [0xe0, 0xcb]],
  ];
  for (const [key, down, up] of CODES)
    it(`${key} goes down and up`, () => {
      assert.deepEqual(scanCodes(key, true), down);
      assert.deepEqual(scanCodes(key, false), up);
    });

  it('says nothing for a key that the keyboard does not have', () => {
    assert.deepEqual(scanCodes('BrowserHome', true), []);
  });
});
