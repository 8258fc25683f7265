import type { Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Device } from './device.ts';
import { Cmos } from './cmos.ts';
import { DebugPort } from './debug-port.ts';
import { InterruptController } from './interrupt-controller.ts';
import { IntervalTimer } from './interval-timer.ts';
import { KeyboardController } from './keyboard-controller.ts';
import { SerialPort } from './serial-port.ts';
import { SystemControl } from './system-control.ts';
import { TextScreen } from './text-screen.ts';

/** Interrupt lines of the PC. */
export const IRQ = { timer: 0, keyboard: 1, com1: 4 } as const;

/** The devices of a PC, as {@link createDevices} wires them. */
export interface Devices {
  readonly interruptController: InterruptController;
  readonly intervalTimer: IntervalTimer;
  readonly keyboard: KeyboardController;
  /** COM1. */
  readonly serial: SerialPort;
  readonly screen: TextScreen;
  readonly cmos: Cmos;
  readonly debugPort: DebugPort;
  readonly systemControl: SystemControl;
}

/** Builds the devices, connects their interrupt lines and puts them on the bus. `memorySize` in bytes. */
export function createDevices(clock: Clock, bus: Bus, memorySize: number): Devices {
  const report = (what: string): void => bus.unclaimed.note('device', what);
  const interruptController = new InterruptController();
  const devices: Devices = {
    interruptController,
    intervalTimer: new IntervalTimer(clock, interruptController.line(IRQ.timer)),
    keyboard: new KeyboardController(clock, interruptController.line(IRQ.keyboard), report),
    serial: new SerialPort('COM1', 0x3f8, clock, interruptController.line(IRQ.com1)),
    screen: new TextScreen(clock),
    cmos: new Cmos(clock, memorySize, report),
    debugPort: new DebugPort(),
    systemControl: new SystemControl(report),
  };
  for (const device of Object.values<Device>({ ...devices })) bus.attach(device);
  return devices;
}
