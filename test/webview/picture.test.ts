import assert from 'node:assert/strict';
import { canvasPixels } from '../../src/webview/screen/picture.ts';

describe('picture of a graphics mode', () => {
  it('has the palette colour of each pixel, opaque', () => {
    const palette = new Uint8Array(768);
    palette.set([255, 130, 4], 7 * 3);
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const picture = { width: 2, height: 1, pixels: base64(Uint8Array.of(7, 0)), palette: base64(palette) };
    assert.deepEqual([...canvasPixels(picture)], [255, 130, 4, 255, 0, 0, 0, 255]);
  });
});
