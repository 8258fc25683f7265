import type { BiosCall } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';

const PORTS = 4;
/** Registers of a 16550 from its first port on. */
const REGISTER = { data: 0, divisorHigh: 1, lineControl: 3, modemControl: 4, lineStatus: 5, modemStatus: 6 } as const;
const DIVISOR_ACCESS = 0x80;
const STATUS = { received: 0x01, transmitterEmpty: 0x60, timedOut: 0x80 } as const;
const DTR_RTS = 0x03;
const LINE_CONTROL_BITS = 0x1f;
/** Divisor for 110 bits a second, and for 150; each step of the baud field halves the latter. */
const DIVISOR_110 = 0x417;
const DIVISOR_150 = 0x300;

/** INT 14h AH=00h to 03h for port DX (IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 14h"). */
export function serial(call: BiosCall): void {
  const port = call.dx < PORTS ? call.read(DATA.serialPorts + call.dx * 2, 16) : 0;
  if (port === 0) {
    call.carry = true;
    return;
  }
  switch (call.ah) {
    case 0x00:
      initialise(call, port);
      return;
    case 0x01:
      send(call, port);
      return;
    case 0x02:
      receive(call, port);
      return;
    case 0x03:
      tellStatus(call, port);
      return;
    default:
      call.lacks();
      call.carry = true;
  }
}

function initialise(call: BiosCall, port: number): void {
  const rate = call.al >> 5;
  const divisor = rate === 0 ? DIVISOR_110 : DIVISOR_150 >> (rate - 1);
  call.output(port + REGISTER.lineControl, call.input(port + REGISTER.lineControl) | DIVISOR_ACCESS);
  call.output(port + REGISTER.data, divisor & 0xff);
  call.output(port + REGISTER.divisorHigh, divisor >> 8);
  call.output(port + REGISTER.lineControl, call.al & LINE_CONTROL_BITS);
  tellStatus(call, port);
}

/** The ROM asks again until the transmitter is empty. */
function send(call: BiosCall, port: number): void {
  const status = call.input(port + REGISTER.lineStatus);
  if ((status & STATUS.transmitterEmpty) !== STATUS.transmitterEmpty) {
    call.repeat = true;
    return;
  }
  call.output(port + REGISTER.modemControl, DTR_RTS);
  call.output(port + REGISTER.data, call.al);
  call.succeed(status);
}

/** A byte that has come, or at once the status that says that none came in time: a machine has no patience to lose. */
function receive(call: BiosCall, port: number): void {
  const status = call.input(port + REGISTER.lineStatus);
  if ((status & STATUS.received) === 0) {
    call.succeed(status | STATUS.timedOut);
    return;
  }
  call.al = call.input(port + REGISTER.data);
  call.succeed(status);
}

function tellStatus(call: BiosCall, port: number): void {
  call.al = call.input(port + REGISTER.modemStatus);
  call.succeed(call.input(port + REGISTER.lineStatus));
}
