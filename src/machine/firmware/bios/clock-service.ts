import type { BiosCall, BiosService } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';
import { pciService } from './pci-service.ts';

/** Ticks of 18.2 Hz a day. */
const TICKS_PER_DAY = 0x1800b0;
const PORT = { index: 0x70, data: 0x71, masterPic: 0x20, slavePic: 0xa0, clearBusy: 0xf0 } as const;
const END_OF_INTERRUPT = 0x20;
const CMOS = {
  seconds: 0x00,
  secondsAlarm: 0x01,
  minutes: 0x02,
  minutesAlarm: 0x03,
  hours: 0x04,
  hoursAlarm: 0x05,
  day: 0x07,
  month: 0x08,
  year: 0x09,
  statusB: 0x0b,
  statusC: 0x0c,
  century: 0x32,
} as const;
/** Status B: no updates, periodic and alarm interrupt, 24 hours, daylight saving time. */
const B = { set: 0x80, periodic: 0x40, alarm: 0x20, hours24: 0x02, daylight: 0x01 } as const;
const ALARM_CAME = 0x20;

/** INT 1Ah by AH (IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 1Ah - System-Timer and Real-Time Clock Services"). */
const FUNCTIONS: Readonly<Record<number, BiosService>> = {
  0x00: (call) => {
    const ticks = call.read(DATA.ticks, 32);
    call.cx = ticks >>> 16;
    call.dx = ticks & 0xffff;
    call.al = call.read(DATA.midnights, 8);
    call.write(DATA.midnights, 8, 0);
    call.succeed(0);
  },
  0x01: (call) => {
    call.write(DATA.ticks, 32, call.cx * 0x10000 + call.dx);
    call.write(DATA.midnights, 8, 0);
    call.succeed(0);
  },
  0x02: (call) => {
    call.dh = cmos(call, CMOS.seconds);
    call.cl = cmos(call, CMOS.minutes);
    call.ch = cmos(call, CMOS.hours);
    call.dl = cmos(call, CMOS.statusB) & B.daylight;
    call.al = call.ch;
    call.succeed(0);
  },
  0x03: (call) => {
    setCmos(call, CMOS.seconds, call.dh);
    setCmos(call, CMOS.minutes, call.cl);
    setCmos(call, CMOS.hours, call.ch);
    const status = (cmos(call, CMOS.statusB) & (B.periodic | B.alarm)) | B.hours24 | (call.dl & B.daylight);
    setCmos(call, CMOS.statusB, status);
    call.al = status;
    call.succeed(0);
  },
  0x04: (call) => {
    call.cl = cmos(call, CMOS.year);
    call.dh = cmos(call, CMOS.month);
    call.dl = cmos(call, CMOS.day);
    call.ch = cmos(call, CMOS.century);
    call.al = call.ch;
    call.succeed(0);
  },
  0x05: (call) => {
    setCmos(call, CMOS.year, call.cl);
    setCmos(call, CMOS.month, call.dh);
    setCmos(call, CMOS.day, call.dl);
    setCmos(call, CMOS.century, call.ch);
    runClock(call, 0);
  },
  0x06: (call) => {
    call.ax = 0;
    if ((cmos(call, CMOS.statusB) & B.alarm) !== 0) {
      call.carry = true;
      return;
    }
    setCmos(call, CMOS.secondsAlarm, call.dh);
    setCmos(call, CMOS.minutesAlarm, call.cl);
    setCmos(call, CMOS.hoursAlarm, call.ch);
    setCmos(call, CMOS.statusB, (cmos(call, CMOS.statusB) & ~B.set) | B.alarm);
    call.carry = false;
  },
  0x07: (call) => {
    runClock(call, B.alarm);
  },
  0xb1: pciService,
};

export function clock(call: BiosCall): void {
  const service = FUNCTIONS[call.ah];
  if (service !== undefined) {
    service(call);
    return;
  }
  call.lacks();
  call.carry = true;
}

/** INT 08h; the ROM calls INT 1Ch and ends the interrupt. */
export function timerTick(call: BiosCall): void {
  const ticks = call.read(DATA.ticks, 32) + 1;
  const midnight = ticks >= TICKS_PER_DAY;
  call.write(DATA.ticks, 32, midnight ? 0 : ticks);
  if (midnight) call.write(DATA.midnights, 8, call.read(DATA.midnights, 8) + 1);
}

/** INT 70h: an alarm makes the ROM call INT 4Ah. */
export function clockInterrupt(call: BiosCall): void {
  call.repeat = (cmos(call, CMOS.statusC) & cmos(call, CMOS.statusB) & ALARM_CAME) !== 0;
  endInterrupt(call);
}

/** INT 75h; the ROM calls INT 02h, as the first PCs did. */
export function coprocessorInterrupt(call: BiosCall): void {
  call.output(PORT.clearBusy, 0);
  endInterrupt(call);
}

function endInterrupt(call: BiosCall): void {
  call.output(PORT.slavePic, END_OF_INTERRUPT);
  call.output(PORT.masterPic, END_OF_INTERRUPT);
}

/** Lets the clock run and switches interrupts off; AL is what status B holds then. */
function runClock(call: BiosCall, off: number): void {
  const status = cmos(call, CMOS.statusB) & ~(B.set | off);
  setCmos(call, CMOS.statusB, status);
  call.al = status;
  call.succeed(0);
}

function cmos(call: BiosCall, index: number): number {
  call.output(PORT.index, index);
  return call.input(PORT.data);
}

function setCmos(call: BiosCall, index: number, value: number): void {
  call.output(PORT.index, index);
  call.output(PORT.data, value);
}
