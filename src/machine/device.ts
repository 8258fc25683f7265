import type { AccessWidth } from '../cpu/context.ts';

/** JSON-serialisable state of one device, as kept in a snapshot. */
export type DeviceState = Readonly<Record<string, unknown>>;

/** Inclusive range of I/O ports. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/**
 * One device of the machine. Devices know no CPU and no host: time comes as ticks (see `clock.ts`), interrupts leave through
 * the line they were given, host input comes through methods of their own that the machine calls from its input log.
 */
export interface Device {
  /** As shown to the user: "8259A interrupt controllers". */
  readonly name: string;
  readonly ports: readonly PortRange[];
  portRead(port: number, width: AccessWidth): number;
  portWrite(port: number, width: AccessWidth, value: number): void;
  /** State after power-on. */
  reset(): void;
  /** Tick of the next thing this device will do by itself; Infinity when none. */
  nextEvent(): number;
  /** Lets the device do what was due up to and including `now` (ticks). */
  advance(now: number): void;
  save(): DeviceState;
  restore(state: DeviceState): void;
}

/** An interrupt input of the interrupt controllers. */
export interface InterruptLine {
  raise(): void;
  lower(): void;
}
