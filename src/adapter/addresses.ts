import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';

/** A linear address as a DAP memory reference. */
export function memoryReference(address: bigint): string {
  return hex(address, 8);
}

/** The linear address that a memory reference stands for: ours, or a number that the user typed. */
export function parseAddress(reference: string): bigint {
  if (/^(0x[0-9a-f]+|\d+)$/i.test(reference)) return BigInt.asUintN(32, BigInt(reference));
  throw new StartOfDayError({
    code: 'memory-reference',
    blame: 'user',
    title: `"${reference}" is not an address`,
    mend: 'Write a hexadecimal number with 0x.',
  });
}
