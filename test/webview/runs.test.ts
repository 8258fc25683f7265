import assert from 'node:assert/strict';
import { classesOf, runsOf } from '../../src/webview/screen/runs.ts';

describe('runs of a screen row', () => {
  it('join cells that look alike', () => {
    const runs = runsOf('abcde', Uint8Array.of(7, 7, 0x1f, 0x1f, 7), undefined);
    assert.deepEqual(runs, [
      { text: 'ab', attribute: 7, cursor: false },
      { text: 'cd', attribute: 0x1f, cursor: false },
      { text: 'e', attribute: 7, cursor: false },
    ]);
  });

  for (const [column, texts] of [
    [0, ['a', 'bc']],
    [1, ['a', 'b', 'c']],
    [2, ['ab', 'c']],
  ] as const)
    it(`set the cell under a cursor in column ${column} apart`, () => {
      const runs = runsOf('abc', new Uint8Array(3), column);
      assert.deepEqual(
        runs.map(({ text }) => text),
        texts,
      );
      assert.deepEqual(
        runs.filter(({ cursor }) => cursor).map(({ text }) => text),
        ['abc'[column]],
      );
    });
});

describe('style of an attribute', () => {
  it('blinks by bit 7, or has one of 16 backgrounds (attribute mode control bit 3)', () => {
    assert.equal(classesOf(0x9e, true), 'f14 b1 blink');
    assert.equal(classesOf(0x9e, false), 'f14 b9');
    assert.equal(classesOf(0x1e, true), 'f14 b1');
  });
});
