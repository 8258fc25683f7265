import type { Clock } from '../../src/machine/clock.ts';
import type { Device, DeviceState, InterruptLine } from '../../src/machine/device.ts';

/** Time under the test's control. */
export class TestClock implements Clock {
  now = 0;
}

/** An interrupt line that counts its rising edges. */
export class TestLine implements InterruptLine {
  high = false;
  edges = 0;
  raise(): void {
    if (!this.high) this.edges++;
    this.high = true;
  }
  lower(): void {
    this.high = false;
  }
}

/** What `port` of a device reads, eight bits. */
export function input(device: Device, port: number): number {
  return device.portRead(port, 8);
}

/** Writes bytes to ports of a device, in order. */
export function output(device: Device, ...writes: readonly (readonly [port: number, value: number])[]): void {
  for (const [port, value] of writes) device.portWrite(port, 8, value);
}

/** A state as it comes back from a file. */
export function throughJson(state: DeviceState): DeviceState {
  return JSON.parse(JSON.stringify(state)) as DeviceState;
}
