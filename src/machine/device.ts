import type { AccessWidth } from '../cpu/context.ts';

/** JSON-serialisable state of one device, as kept in a snapshot. */
export type DeviceState = Readonly<Record<string, unknown>>;

/** Inclusive range of I/O ports. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Inclusive range of physical addresses. */
export interface MemoryRange {
  readonly first: number;
  readonly last: number;
}

/**
 * One device of the machine. Devices know no CPU and no host: time comes as ticks (see `clock.ts`), interrupts leave through
 * the line they were given, host input comes through methods of their own that the machine calls.
 */
export interface Device {
  /** As shown to the user: "8259A interrupt controllers". */
  readonly name: string;
  readonly ports: readonly PortRange[];
  /** Physical addresses the device answers at, in whole pages above RAM or in front of it. Absent: none. */
  readonly memory?: readonly MemoryRange[];
  /** IRQ numbers of the lines it drives, for lists. Absent: none. */
  readonly interrupts?: readonly number[];
  /** A few words on its state for lists: "A20 on". */
  readonly summary?: string;
  /** The widest port access the device takes whole, in bits; the bus splits a wider one into bytes. Absent: 8. */
  readonly widest?: AccessWidth;
  portRead(port: number, width: AccessWidth): number;
  portWrite(port: number, width: AccessWidth, value: number): void;
  /** Reads at a physical address of {@link memory}; zero-extended. The access does not cross a page but may be unaligned. */
  memoryRead?(physical: number, width: AccessWidth): number;
  memoryWrite?(physical: number, width: AccessWidth, value: number): void;
  /**
   * The byte that {@link memoryRead} would give at a physical address, with no effect on anything (invariant 5); undefined where RAM
   * answers instead. Absent: a debugger sees the RAM behind the device.
   */
  memoryPeek?(physical: number): number | undefined;
  /**
   * Takes a byte from a debugger as {@link memoryWrite} would, with no effect but on what is stored; false where RAM takes it instead.
   * Absent: a debugger writes to the RAM behind the device.
   */
  memoryPoke?(physical: number, value: number): boolean;
  save(): DeviceState;
  /** Takes what {@link save} of the same device gave, with no effect on lines or listeners. */
  restore(state: DeviceState): void;
}

/** A device that does something by itself, without being asked by the guest or the host. */
export interface TimedDevice extends Device {
  /** Tick of the next thing this device will do by itself, after now; Infinity when none. */
  nextEvent(): number;
  /** Lets the device do what is due at `now` (ticks). Called at the exact tick of every {@link nextEvent}, and at other times too. */
  advance(now: number): void;
}

/** An interrupt input of the interrupt controllers. */
export interface InterruptLine {
  raise(): void;
  lower(): void;
}

/**
 * How a device says that the guest asked for something it does not have (invariant 4): a whole clause without a full stop,
 * "8042 command 0xac: this controller has no such command".
 */
export type ReportGap = (what: string) => void;
