import { A20Gate } from './input/a20-gate.ts';
import type { Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import type { Device, InterruptLine, TimedDevice } from './device.ts';
import { Cmos } from './timers/cmos.ts';
import { CoprocessorError } from './chipset/coprocessor-error.ts';
import { DebugPort } from './chipset/debug-port.ts';
import { DmaController } from './chipset/dma-controller.ts';
import { BiosPort } from './firmware/bios/bios-port.ts';
import { FirmwareConfiguration } from './firmware/firmware-configuration.ts';
import { Hpet } from './timers/hpet.ts';
import type { InterruptController } from './interrupts/interrupt-controller.ts';
import { InterruptRouting, TIMER_PIN } from './interrupts/interrupt-routing.ts';
import { IntervalTimer } from './timers/interval-timer.ts';
import type { IoApic } from './interrupts/io-apic.ts';
import { KeyboardController } from './input/keyboard-controller.ts';
import type { LocalApic } from './interrupts/local-apic.ts';
import { PciConfiguration } from './chipset/pci-configuration.ts';
import { PostPort } from './chipset/post-port.ts';
import { PowerManagement } from './chipset/power-management.ts';
import { COM_PORTS, SerialPort, type ComPort } from './serial/serial-port.ts';
import { SystemControl } from './chipset/system-control.ts';
import { Vga, type VideoBus } from './video/vga.ts';
import { wiredOr } from './interrupts/wired-or.ts';

/** Interrupt lines of the PC; the serial ports name theirs in `serial-port.ts`. */
export const IRQ = { timer: 0, keyboard: 1, clock: 8, sci: 9, mouse: 12, coprocessor: 13 } as const;

/** The devices of a PC, as {@link createDevices} wires them. */
export interface Devices {
  readonly interruptController: InterruptController;
  readonly localApic: LocalApic;
  readonly ioApic: IoApic;
  readonly intervalTimer: IntervalTimer;
  readonly keyboard: KeyboardController;
  /** COM1. */
  readonly serial: SerialPort;
  /** COM1 to COM4. */
  readonly serialPorts: readonly SerialPort[];
  readonly screen: Vga;
  readonly cmos: Cmos;
  readonly debugPort: DebugPort;
  readonly biosPort: BiosPort;
  readonly systemControl: SystemControl;
  readonly powerManagement: PowerManagement;
  readonly a20: A20Gate;
  /** Every device on the bus, in the order of lists. */
  readonly all: readonly Device[];
}

/** All that stands outside the CPU and its memory. */
export interface Hardware {
  readonly devices: Devices;
  /** Those of them that act by themselves. */
  readonly timed: readonly TimedDevice[];
  readonly interrupts: InterruptRouting;
}

/** Builds the devices, connects their interrupt lines and puts them on the bus. The machine's memory is that of `video`. */
export function createDevices(clock: Clock, bus: Bus, video: VideoBus): Hardware {
  const report = (what: string): void => bus.unclaimed.note('device', what);
  const interrupts = new InterruptRouting(clock, report);
  const { controller: interruptController, localApic, ioApic } = interrupts;
  const line = (irq: number): InterruptLine => interrupts.line(irq);
  const a20 = new A20Gate();
  const serialPort = (place: ComPort): SerialPort =>
    new SerialPort(
      place,
      clock,
      wiredOr(line(place.irq), () => serialPorts.filter(({ interrupts }) => interrupts[0] === place.irq)),
    );
  const serial = serialPort(COM_PORTS[0]);
  const serialPorts: readonly SerialPort[] = [serial, ...COM_PORTS.slice(1).map(serialPort)];
  const hpetLines = { timer: line(IRQ.timer), clock: line(IRQ.clock), pin: ioApic.line(TIMER_PIN) };
  const hpet = new Hpet(clock, hpetLines, report);
  // With legacy replacement the 8254 and the clock are cut off from their lines (HPET 1.0a, 2.3.5).
  const replaceable = (target: InterruptLine): InterruptLine => ({
    raise: () => {
      if (!hpet.replacesLegacy) target.raise();
    },
    lower: () => {
      if (!hpet.replacesLegacy) target.lower();
    },
  });
  const intervalTimer = new IntervalTimer(clock, replaceable(line(IRQ.timer)));
  const keyboardLines = { keyboard: line(IRQ.keyboard), mouse: line(IRQ.mouse) };
  const keyboard = new KeyboardController(clock, keyboardLines, a20, report);
  const screen = new Vga(clock, video, report);
  const cmos = new Cmos(clock, replaceable(line(IRQ.clock)), video.ram.length, report);
  const coprocessorError = new CoprocessorError(line(IRQ.coprocessor));
  bus.onNumericError = (asserted) => coprocessorError.numericError(asserted);
  const debugPort = new DebugPort();
  const biosPort = new BiosPort();
  const systemControl = new SystemControl(a20);
  const powerManagement = new PowerManagement(clock, line(IRQ.sci), report);
  const all: readonly Device[] = [
    interruptController,
    localApic,
    ioApic,
    intervalTimer,
    keyboard,
    ...serialPorts,
    screen,
    cmos,
    new DmaController(report),
    systemControl,
    new PciConfiguration(report),
    powerManagement,
    coprocessorError,
    hpet,
    new FirmwareConfiguration(video.ram.length),
    new PostPort(),
    debugPort,
    biosPort,
  ];
  for (const device of all) bus.attach(device);
  localApic.move = (from, to) => to >= video.ram.length && bus.movePage(localApic, from, to);
  const devices: Devices = {
    ...{
      interruptController,
      localApic,
      ioApic,
      intervalTimer,
      keyboard,
      serial,
      serialPorts,
      screen,
      cmos,
      debugPort,
    },
    ...{ systemControl, powerManagement, a20, biosPort, all },
  };
  return { devices, timed: all.filter(isTimed), interrupts };
}

function isTimed(device: Device): device is TimedDevice {
  return 'nextEvent' in device;
}
