import type { BiosCall } from './bios-call.ts';

/** There is no such drive: "invalid function or parameter". */
const INVALID = 0x01;
const FIRST_FIXED_DISK = 0x80;

/**
 * INT 13h and 40h of a machine without drives: every function fails. AH=08h of a diskette drive says that there are none, and AH=15h
 * that this one is not there; those succeed.
 */
export function disk(call: BiosCall): void {
  const diskette = call.dl < FIRST_FIXED_DISK;
  if (call.ah === 0x08 && diskette) {
    call.ax = 0;
    call.bx = 0;
    call.cx = 0;
    call.dx = 0;
    call.es = 0;
    call.carry = false;
  } else if (call.ah === 0x15) {
    call.succeed(0);
  } else call.fail(INVALID);
}
