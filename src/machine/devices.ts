import type { Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Device, TimedDevice } from './device.ts';
import { Cmos } from './cmos.ts';
import { DebugPort } from './debug-port.ts';
import type { InterruptController } from './interrupt-controller.ts';
import { InterruptRouting } from './interrupt-routing.ts';
import { IntervalTimer } from './interval-timer.ts';
import type { IoApic } from './io-apic.ts';
import { KeyboardController } from './keyboard-controller.ts';
import type { LocalApic } from './local-apic.ts';
import { SerialPort } from './serial-port.ts';
import { SystemControl } from './system-control.ts';
import { TextScreen } from './text-screen.ts';

/** Interrupt lines of the PC. */
export const IRQ = { timer: 0, keyboard: 1, com1: 4 } as const;

/** The devices of a PC, as {@link createDevices} wires them. */
export interface Devices {
  readonly interruptController: InterruptController;
  readonly localApic: LocalApic;
  readonly ioApic: IoApic;
  readonly intervalTimer: IntervalTimer;
  readonly keyboard: KeyboardController;
  /** COM1. */
  readonly serial: SerialPort;
  readonly screen: TextScreen;
  readonly cmos: Cmos;
  readonly debugPort: DebugPort;
  readonly systemControl: SystemControl;
}

/** All that stands outside the CPU and its memory. */
export interface Hardware {
  readonly devices: Devices;
  /** Those of them that act by themselves. */
  readonly timed: readonly TimedDevice[];
  readonly interrupts: InterruptRouting;
}

/** Builds the devices, connects their interrupt lines and puts them on the bus. `memorySize` in bytes. */
export function createDevices(clock: Clock, bus: Bus, memorySize: number): Hardware {
  const report = (what: string): void => bus.unclaimed.note('device', what);
  const interrupts = new InterruptRouting(clock, report);
  const devices: Devices = {
    interruptController: interrupts.controller,
    localApic: interrupts.localApic,
    ioApic: interrupts.ioApic,
    intervalTimer: new IntervalTimer(clock, interrupts.line(IRQ.timer)),
    keyboard: new KeyboardController(clock, interrupts.line(IRQ.keyboard), report),
    serial: new SerialPort('COM1', 0x3f8, clock, interrupts.line(IRQ.com1)),
    screen: new TextScreen(clock),
    cmos: new Cmos(clock, memorySize, report),
    debugPort: new DebugPort(),
    systemControl: new SystemControl(report),
  };
  const all = Object.values<Device>({ ...devices });
  for (const device of all) bus.attach(device);
  return { devices, timed: all.filter(isTimed), interrupts };
}

function isTimed(device: Device): device is TimedDevice {
  return 'nextEvent' in device;
}
