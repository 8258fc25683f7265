import { MODES } from './vga-bench.ts';

/** NASM instructions that write bytes to ports; DX and AL are lost. */
export function outputs(writes: readonly (readonly [port: number, value: number])[]): string {
  return writes.map(([port, value]) => `mov dx, ${port}\n mov al, ${value}\n out dx, al`).join('\n');
}

/** NASM instructions that program every register of a mode, as the video BIOS does; DX and AL are lost. */
export function programMode(name: keyof typeof MODES): string {
  const mode = MODES[name];
  const indexed = (port: number, values: readonly number[]): (readonly [number, number])[] =>
    values.flatMap((value, index): [number, number][] => [
      [port, index],
      [port + 1, value],
    ]);
  return `
    ${outputs([
      [0x3c2, mode.miscellaneous],
      ...indexed(0x3c4, mode.sequencer),
      [0x3d4, 0x11],
      [0x3d5, 0x00],
      ...indexed(0x3d4, mode.crtc),
      ...indexed(0x3ce, mode.graphics),
    ])}
    mov dx, 0x3da
    in al, dx
    ${outputs(
      mode.attribute.flatMap((value, index): [number, number][] => [
        [0x3c0, index],
        [0x3c0, value],
      ]),
    )}
    ${outputs([[0x3c0, 0x20]])}`;
}
