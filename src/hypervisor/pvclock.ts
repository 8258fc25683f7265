import { PVCLOCK, PVCLOCK_TSC_STABLE } from '../abi/kvm.ts';

/** The time stamp counter steps once in 10 ns: shifted left by 4 and multiplied by 10 / 16 of 2^32 it gives nanoseconds. */
const SHIFT = 4;
const MULTIPLIER = 0xa0000000;
/** Nanoseconds of a tick. */
export const NANOSECONDS_PER_TICK = 10n;

/**
 * The record from which a guest computes the time since power-on in nanoseconds: `struct pvclock_vcpu_time_info` of KVM and
 * `vcpu_time_info` of Xen. `timeStamp` and `ticks` belong to the same moment.
 */
export function pvclockRecord(version: number, timeStamp: bigint, ticks: number): Uint8Array {
  const bytes = new Uint8Array(PVCLOCK.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(PVCLOCK.version, version, true);
  view.setBigUint64(PVCLOCK.tscTimestamp, timeStamp, true);
  view.setBigUint64(PVCLOCK.systemTime, BigInt(ticks) * NANOSECONDS_PER_TICK, true);
  view.setUint32(PVCLOCK.tscToSystemMul, MULTIPLIER, true);
  view.setInt8(PVCLOCK.tscShift, SHIFT);
  view.setUint8(PVCLOCK.flags, PVCLOCK_TSC_STABLE);
  return bytes;
}
