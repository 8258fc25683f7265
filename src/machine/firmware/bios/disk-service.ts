import type { BiosCall } from './bios-call.ts';

/** "Invalid function or parameter": there is no such drive. */
const INVALID = 0x01;

/** INT 13h and 40h of a machine without drives: every function of every drive fails. */
export function disk(call: BiosCall): void {
  call.fail(INVALID);
}
