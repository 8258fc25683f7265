import type { BiosCall } from './bios-call.ts';
import { DATA, DATA_AREA } from './bios-data-area.ts';
import { EXTENDED, keystrokes, PAD_KEYS } from './keyboard-codes.ts';
import { storeKey } from './keyboard-service.ts';

/** Bits of the shift state: modifiers that are on in the low byte, keys that are down in the high one. */
const STATE = { rightShift: 0x01, leftShift: 0x02, control: 0x04, alt: 0x08, numLock: 0x20, capsLock: 0x40 } as const;
/** Bits of the second status byte. */
const STATUS = { lastE1: 0x01, lastE0: 0x02, rightControl: 0x04, rightAlt: 0x08 } as const;
const RELEASE = 0x80;
const CODE = { control: 0x1d, printScreen: 0x37, pause: 0x45, scrollLock: 0x46, delete: 0x53, systemRequest: 0x54 };

/** What a modifier's key does: bits of the shift state while it is down, those that a press toggles, and bits of the second byte. */
interface Modifier {
  readonly down: number;
  readonly toggled?: number;
  readonly status?: number;
}

const MODIFIERS: Readonly<Record<number, Modifier>> = {
  0x1d: { down: STATE.control | 0x100 },
  0x2a: { down: STATE.leftShift },
  0x36: { down: STATE.rightShift },
  0x38: { down: STATE.alt | 0x200 },
  0x3a: { down: 0x4000, toggled: STATE.capsLock },
  0x45: { down: 0x2000, toggled: STATE.numLock },
  0x46: { down: 0x1000, toggled: 0x10 },
};
/** Behind the prefix E0h; the shift keys there are not pressed by anybody. */
const EXTENDED_MODIFIERS: Readonly<Record<number, Modifier>> = {
  0x1d: { down: STATE.control, status: STATUS.rightControl },
  0x2a: { down: 0 },
  0x36: { down: 0 },
  0x38: { down: STATE.alt, status: STATUS.rightAlt },
};

/**
 * INT 09h: AL is a byte from the keyboard, after INT 15h AH=4Fh let it pass. Ctrl-Break sets {@link BiosCall.repeat}: the ROM then
 * calls INT 1Bh.
 */
export function keyboardInterrupt(call: BiosCall): void {
  const byte = call.al;
  const status = call.read(DATA.keyboardStatus, 8);
  if (byte === 0xe0 || byte === 0xe1) {
    call.write(DATA.keyboardStatus, 8, status | (byte === 0xe0 ? STATUS.lastE0 : STATUS.lastE1));
    return;
  }
  const code = byte & ~RELEASE;
  // Pause sends E1 1D 45.
  if ((status & STATUS.lastE1) !== 0 && code === CODE.control) return;
  call.write(DATA.keyboardStatus, 8, status & ~(STATUS.lastE0 | STATUS.lastE1));
  if ((status & STATUS.lastE1) !== 0 && code === CODE.pause) {
    if (byte === code) call.host.report('The Pause key does not hold the machine in this BIOS', 'BIOS Pause');
    return;
  }
  key(call, code, byte !== code, (status & STATUS.lastE0) !== 0);
}

function key(call: BiosCall, code: number, released: boolean, extended: boolean): void {
  if (extended && code === CODE.scrollLock) {
    if (!released) breakKey(call);
    return;
  }
  const modifier = extended ? EXTENDED_MODIFIERS[code] : MODIFIERS[code];
  if (modifier !== undefined) {
    hold(call, modifier, released);
    return;
  }
  if (released) return;
  const state = call.read(DATA.shiftState, 16);
  if (code === CODE.delete && (state & STATE.control) !== 0 && (state & STATE.alt) !== 0) {
    call.host.end('shutdown', 'Ctrl-Alt-Del asked the BIOS for a restart');
    return;
  }
  if ((extended && code === CODE.printScreen) || code === CODE.systemRequest) {
    call.host.report('The keys Print Screen and SysRq do nothing in this BIOS', 'BIOS Print Screen');
    return;
  }
  const stroke = keystroke(code, state, extended);
  if (stroke !== 0) storeKey(call, stroke);
}

function hold(call: BiosCall, { down, toggled = 0, status = 0 }: Modifier, released: boolean): void {
  const state = call.read(DATA.shiftState, 16);
  const second = call.read(DATA.keyboardStatus, 8);
  call.write(DATA.shiftState, 16, released ? state & ~down : (state ^ toggled) | down);
  call.write(DATA.keyboardStatus, 8, released ? second & ~status : second | status);
}

/** Empties the buffer but for one stroke of 0, and has INT 1Bh called. */
function breakKey(call: BiosCall): void {
  const start = call.read(DATA.keyBufferStart, 16);
  call.write(DATA_AREA + start, 16, 0);
  call.write(DATA.keyHead, 16, start);
  call.write(DATA.keyTail, 16, start + 2);
  call.write(DATA.break, 8, 0x80);
  call.repeat = true;
}

/** 0 where the key gives nothing with these modifiers. */
function keystroke(code: number, state: number, extended: boolean): number {
  const strokes = keystrokes(code, extended);
  if (strokes === undefined) return 0;
  const [firstOfPad, lastOfPad] = PAD_KEYS;
  const pad = code >= firstOfPad && code <= lastOfPad;
  // The keys between typewriter and pad are the pad's own without Num Lock.
  if (pad && extended) {
    if ((state & STATE.alt) !== 0) return (code + 0x50) << 8;
    return ((state & STATE.control) !== 0 ? strokes.control : strokes.plain) | EXTENDED;
  }
  if ((state & STATE.alt) !== 0) return strokes.alt;
  if ((state & STATE.control) !== 0) return strokes.control;
  const ascii = strokes.plain & 0xff;
  const letter = ascii >= 0x61 && ascii <= 0x7a;
  const locked = (pad && (state & STATE.numLock) !== 0) || (letter && (state & STATE.capsLock) !== 0);
  const shifted = (state & (STATE.leftShift | STATE.rightShift)) !== 0;
  return shifted === locked ? strokes.plain : strokes.shift;
}
