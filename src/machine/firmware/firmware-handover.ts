import type { CpuBus } from '../../cpu/context.ts';
import { APIC_REGISTER, LOCAL_APIC_ADDRESS } from '../interrupts/local-apic-registers.ts';

/**
 * How a PC's firmware leaves the devices to what it boots, as byte writes in order. No entry protocol speaks of them, yet a
 * kernel can see them: with interrupts on and nothing remapped, the timer arrives at vector 8, as on a real PC.
 * The values are those of SeaBIOS under QEMU, read back at a Multiboot entry.
 */
const PORT_WRITES: readonly (readonly [port: number, value: number])[] = [
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
  // Keyboard controller: interrupt on, mouse off, scan code set 1. The system flag says that the self-test has passed.
  [0x64, 0x60],
  [0x60, 0x65],
  // COM1: 9600 bits a second.
  [0x3fb, 0x80],
  [0x3f8, 0x0c],
  [0x3f9, 0x00],
  [0x3fb, 0x00],
];

/** Virtual wire mode (MultiProcessor Specification 3.6.2.2): the 8259's interrupts through LINT0, NMI through LINT1. */
const LOCAL_APIC_WRITES: readonly (readonly [register: number, value: number])[] = [
  [APIC_REGISTER.spurious, 0x1ff],
  [APIC_REGISTER.lint0, 0x8700],
  [APIC_REGISTER.lint1, 0x8400],
];

/** Does what firmware does to the devices before it starts anything. */
export function handOver(bus: CpuBus): void {
  for (const [port, value] of PORT_WRITES) bus.portWrite(port, 8, value);
  for (const [register, value] of LOCAL_APIC_WRITES) bus.memoryWrite(LOCAL_APIC_ADDRESS + register, 32, value);
}
