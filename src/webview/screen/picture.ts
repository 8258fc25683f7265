import type { PictureReply } from '../../adapter/protocol.ts';

/** The picture of a graphics mode as a canvas takes it: red, green, blue and opacity of each pixel. */
export function canvasPixels({ width, height, pixels, palette }: PictureReply): Uint8ClampedArray<ArrayBuffer> {
  const entries = bytesOf(pixels);
  const colours = bytesOf(palette);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  entries.forEach((entry, pixel) => {
    for (let part = 0; part < 3; part++) rgba[pixel * 4 + part] = colours[entry * 3 + part] ?? 0;
  });
  return rgba;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
