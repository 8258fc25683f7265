import { SEGMENT } from '../../../cpu/state.ts';
import type { BiosCall, BiosService } from './bios-call.ts';

const PORT = {
  attribute: 0x3c0,
  attributeRead: 0x3c1,
  mask: 0x3c6,
  readIndex: 0x3c7,
  writeIndex: 0x3c8,
  data: 0x3c9,
  status: 0x3da,
} as const;
const PALETTE_TO_SCREEN = 0x20;
const BORDER = 0x11;
const MODE_CONTROL = 0x10;
const BLINK = 0x08;
const PALETTE_REGISTERS = 16;

/** INT 10h AH=10h by AL: the attribute controller's palette and the DAC. */
const FUNCTIONS: Readonly<Record<number, BiosService>> = {
  0x00: (call) => {
    if (call.bl <= 0x14) setAttribute(call, call.bl, call.bh);
  },
  0x01: (call) => {
    setAttribute(call, BORDER, call.bh);
  },
  0x02: (call) => {
    const byte = (n: number): number => call.read(call.linear(SEGMENT.es, call.dx + n), 8);
    for (let n = 0; n < PALETTE_REGISTERS; n++) setAttribute(call, n, byte(n));
    setAttribute(call, BORDER, byte(PALETTE_REGISTERS));
  },
  0x03: (call) => {
    const control = attribute(call, MODE_CONTROL);
    setAttribute(call, MODE_CONTROL, (call.bl & 1) === 0 ? control & ~BLINK : control | BLINK);
  },
  0x07: (call) => {
    if (call.bl <= 0x14) call.bh = attribute(call, call.bl);
  },
  0x08: (call) => {
    call.bh = attribute(call, BORDER);
  },
  0x09: (call) => {
    const store = (n: number, value: number): void => {
      call.write(call.linear(SEGMENT.es, call.dx + n), 8, value);
    };
    for (let n = 0; n < PALETTE_REGISTERS; n++) store(n, attribute(call, n));
    store(PALETTE_REGISTERS, attribute(call, BORDER));
  },
  0x10: (call) => {
    call.output(PORT.writeIndex, call.bl);
    for (const value of [call.dh, call.ch, call.cl]) call.output(PORT.data, value);
  },
  0x12: (call) => {
    call.output(PORT.writeIndex, call.bl);
    for (let n = 0; n < call.cx * 3; n++) call.output(PORT.data, call.read(call.linear(SEGMENT.es, call.dx + n), 8));
  },
  0x15: (call) => {
    call.output(PORT.readIndex, call.bl);
    call.dh = call.input(PORT.data);
    call.ch = call.input(PORT.data);
    call.cl = call.input(PORT.data);
  },
  0x17: (call) => {
    call.output(PORT.readIndex, call.bl);
    for (let n = 0; n < call.cx * 3; n++) call.write(call.linear(SEGMENT.es, call.dx + n), 8, call.input(PORT.data));
  },
  0x18: (call) => {
    call.output(PORT.mask, call.bl);
  },
  0x19: (call) => {
    call.bl = call.input(PORT.mask);
  },
};

export function paletteService(call: BiosCall): void {
  const service = FUNCTIONS[call.al];
  if (service === undefined) call.lacks();
  else service(call);
}

function attribute(call: BiosCall, register: number): number {
  call.input(PORT.status);
  call.output(PORT.attribute, register);
  const value = call.input(PORT.attributeRead);
  backToScreen(call);
  return value;
}

function setAttribute(call: BiosCall, register: number, value: number): void {
  call.input(PORT.status);
  call.output(PORT.attribute, register);
  call.output(PORT.attribute, value);
  backToScreen(call);
}

function backToScreen(call: BiosCall): void {
  call.input(PORT.status);
  call.output(PORT.attribute, PALETTE_TO_SCREEN);
}
