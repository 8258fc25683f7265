import { ACCESS } from '../cpu/state.ts';
import type { Caller, Target } from './target.ts';

/** Bytes of a near return address in 32-bit code. */
const RETURN_ADDRESS = 4;

/**
 * The recorded calls that the guest can still return from. A longjmp or a switch of stacks leaves calls behind that never return: their
 * place on the stack lies below the stack pointer, or holds something else by now. A place that cannot be read proves nothing.
 */
export function liveCallers(callers: readonly Caller[], target: Target): Caller[] {
  const { base, access } = target.segment('ss');
  const esp = Number(target.register('esp')?.value ?? 0n);
  // Of a 16-bit stack's pointer the upper half may hold anything.
  const pointer = (value: number): number => ((access & ACCESS.big) !== 0 ? value : value & 0xffff);
  return callers.filter((caller) => {
    const { returnAddress } = caller;
    const stackOffset = pointer(caller.stackOffset);
    if (stackOffset < pointer(esp)) return false;
    const bytes = target.read('linear', BigInt((base + stackOffset) >>> 0), RETURN_ADDRESS);
    if (bytes.length < RETURN_ADDRESS) return true;
    const held = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    // 16-bit code pushes two bytes; what lies above them is not part of the address.
    return held === returnAddress || (returnAddress <= 0xffff && (held & 0xffff) === returnAddress);
  });
}
