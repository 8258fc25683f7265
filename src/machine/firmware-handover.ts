/**
 * How a PC's firmware leaves the devices to what it boots, as byte writes in order. No entry protocol speaks of them, yet a
 * kernel can see them: with interrupts on and nothing remapped, the timer arrives at vector 8, as on a real PC.
 * The values are those of SeaBIOS under QEMU, read back at a Multiboot entry.
 */
export const FIRMWARE_HANDOVER: readonly (readonly [port: number, value: number])[] = [
  // Timer: counter 0 in mode 2 with the largest count, 18.2 Hz. It comes first: initialising the controllers forgets the edge
  // that its output gives now.
  [0x43, 0x34],
  [0x40, 0x00],
  [0x40, 0x00],
  // Interrupt controllers: vectors 0x08 and 0x70, edges, cascade on 2; the lines that firmware uses are unmasked.
  [0x20, 0x11],
  [0xa0, 0x11],
  [0x21, 0x08],
  [0xa1, 0x70],
  [0x21, 0x04],
  [0xa1, 0x02],
  [0x21, 0x01],
  [0xa1, 0x01],
  [0x21, 0xb8],
  [0xa1, 0x8e],
  // Keyboard controller: interrupt on, no mouse, scan code set 1. The system flag says that the self-test has passed.
  [0x64, 0x60],
  [0x60, 0x65],
  // COM1: 9600 bits a second.
  [0x3fb, 0x80],
  [0x3f8, 0x0c],
  [0x3f9, 0x00],
  [0x3fb, 0x00],
];
