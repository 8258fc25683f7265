import type { BiosCall, BiosService } from './bios-call.ts';
import { DATA, DATA_AREA } from './bios-data-area.ts';
import { ENHANCED, EXTENDED } from './keyboard-codes.ts';

/** Bits of the second status byte: right Control and right Alt. */
const RIGHT_KEYS = 0x0c;
/** An MF-2 keyboard, as it names itself. */
const KEYBOARD_ID = 0x41ab;
/** AH=09h, 10h to 12h are there. */
const FUNCTIONALITY = 0x30;

/** INT 16h by AH (IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 16h - Keyboard"). */
const FUNCTIONS: Readonly<Record<number, BiosService>> = {
  0x00: (call) => {
    readKey(call, false);
  },
  0x01: (call) => {
    peekKey(call, false);
  },
  0x02: (call) => {
    call.al = call.read(DATA.shiftState, 8);
  },
  0x03: (call) => {
    // The host repeats its keys by itself, at its own rate.
    if (call.al !== 0x05) call.lacks();
  },
  0x05: (call) => {
    call.al = storeKey(call, call.cx) ? 0 : 1;
  },
  0x09: (call) => {
    call.al = FUNCTIONALITY;
  },
  0x0a: (call) => {
    call.bx = KEYBOARD_ID;
  },
  0x10: (call) => {
    readKey(call, true);
  },
  0x11: (call) => {
    peekKey(call, true);
  },
  0x12: (call) => {
    const state = call.read(DATA.shiftState, 16);
    call.ax = (state & ~(RIGHT_KEYS << 8)) | ((call.read(DATA.keyboardStatus, 8) & RIGHT_KEYS) << 8);
  },
  0x92: (call) => {
    // Asked by DOS: AH=10h to 12h are there.
    call.ah = 0x80;
  },
  // Asked by DOS: AH left alone says that AH=20h to 22h are not there.
  0xa2: () => undefined,
};

export function keyboard(call: BiosCall): void {
  const service = FUNCTIONS[call.ah];
  if (service === undefined) call.lacks();
  else service(call);
}

/** Puts a keystroke at the end of the buffer; false when that is full. */
export function storeKey(call: BiosCall, keystroke: number): boolean {
  const tail = call.read(DATA.keyTail, 16);
  const next = following(call, tail);
  if (next === call.read(DATA.keyHead, 16)) return false;
  call.write(DATA_AREA + tail, 16, keystroke);
  call.write(DATA.keyTail, 16, next);
  return true;
}

function readKey(call: BiosCall, enhanced: boolean): void {
  const head = waiting(call);
  if (head === undefined) {
    call.repeat = true;
    return;
  }
  call.ax = presented(call.read(DATA_AREA + head, 16), enhanced);
  call.write(DATA.keyHead, 16, following(call, head));
}

function peekKey(call: BiosCall, enhanced: boolean): void {
  const head = waiting(call);
  call.zero = head === undefined;
  if (head !== undefined) call.ax = presented(call.read(DATA_AREA + head, 16), enhanced);
}

/** Where the first keystroke lies; undefined when there is none. */
function waiting(call: BiosCall): number | undefined {
  const head = call.read(DATA.keyHead, 16);
  return head === call.read(DATA.keyTail, 16) ? undefined : head;
}

function following(call: BiosCall, place: number): number {
  const next = place + 2;
  return next >= call.read(DATA.keyBufferEnd, 16) ? call.read(DATA.keyBufferStart, 16) : next;
}

/** The functions of the first keyboards show the keys that came later as those which they double. */
function presented(keystroke: number, enhanced: boolean): number {
  const low = keystroke & 0xff;
  const high = keystroke & 0xff00;
  if (low === ENHANCED && high !== 0) return high;
  if (enhanced) return keystroke;
  if (low === EXTENDED && high !== 0) return high;
  if (high !== EXTENDED << 8) return keystroke;
  return low === 0x2f ? 0x3500 | low : 0x1c00 | low;
}
