/** shared_info of an i386 guest (xen/include/public/xen.h), in bytes from its start. */
export const SHARED_INFO = {
  vcpuInfo: 0,
  vcpuInfoSize: 64,
  vcpus: 32,
  eventPending: 2048,
  eventMask: 2176,
  wallClockVersion: 2304,
  wallClockSeconds: 2308,
  wallClockNanoseconds: 2312,
  size: 2344,
} as const;

/** vcpu_info, in bytes from its start. */
export const VCPU_INFO = { upcallPending: 0, upcallMask: 1, pendingSelector: 4, cr2: 8, time: 32 } as const;

/** vcpu_time_info, in bytes from its start. */
export const TIME_INFO = {
  version: 0,
  tscTimestamp: 8,
  systemTime: 16,
  tscToSystemMul: 24,
  tscShift: 28,
  flags: 29,
  size: 32,
} as const;

/** Event channels of a 32-bit guest. */
export const EVENT_CHANNELS = 1024;

/** A page of shared_info as a domain builder leaves it: events are masked on every virtual CPU. */
export function initialSharedInfo(): Uint8Array {
  const bytes = new Uint8Array(SHARED_INFO.size);
  for (let vcpu = 0; vcpu < SHARED_INFO.vcpus; vcpu++)
    bytes[SHARED_INFO.vcpuInfo + vcpu * SHARED_INFO.vcpuInfoSize + VCPU_INFO.upcallMask] = 1;
  return bytes;
}
