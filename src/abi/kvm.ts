/**
 * What KVM and its guests have agreed on (Linux arch/x86/include/uapi/asm/kvm_para.h and Documentation/virt/kvm/x86, 6.12).
 */

/** CPUID leaf with the signature; the features are in the next one. */
export const KVM_CPUID_BASE = 0x40000000;
export const KVM_SIGNATURE = 'KVMKVMKVM\0\0\0';

/** Bits of EAX of the feature leaf. */
export const KVM_FEATURE = {
  CLOCKSOURCE: 0,
  NOP_IO_DELAY: 1,
  CLOCKSOURCE2: 3,
  STEAL_TIME: 5,
  PV_EOI: 6,
  PV_UNHALT: 7,
  CLOCKSOURCE_STABLE: 24,
} as const;

export const KVM_MSR = {
  WALL_CLOCK: 0x11,
  SYSTEM_TIME: 0x12,
  WALL_CLOCK_NEW: 0x4b564d00,
  SYSTEM_TIME_NEW: 0x4b564d01,
  ASYNC_PF_EN: 0x4b564d02,
  STEAL_TIME: 0x4b564d03,
  PV_EOI_EN: 0x4b564d04,
  POLL_CONTROL: 0x4b564d05,
} as const;

/** Hypercalls by the number in EAX, with the names of their arguments in EBX, ECX, EDX, ESI. */
export const KVM_HYPERCALLS: ReadonlyMap<number, { readonly name: string; readonly arguments: readonly string[] }> =
  new Map([
    [1, { name: 'VAPIC_POLL_IRQ', arguments: [] }],
    [2, { name: 'MMU_OP', arguments: ['buffer_size', 'buffer_pa', 'buffer_pa_high'] }],
    [3, { name: 'FEATURES', arguments: [] }],
    [4, { name: 'PPC_MAP_MAGIC_PAGE', arguments: [] }],
    [5, { name: 'KICK_CPU', arguments: ['flags', 'apic_id'] }],
    [9, { name: 'CLOCK_PAIRING', arguments: ['address', 'clock_type'] }],
    [10, { name: 'SEND_IPI', arguments: ['ipi_bitmap_low', 'ipi_bitmap_high', 'min', 'icr'] }],
    [11, { name: 'SCHED_YIELD', arguments: ['apic_id'] }],
    [12, { name: 'MAP_GPA_RANGE', arguments: ['gpa', 'pages', 'attributes'] }],
  ]);

/** A call that KVM does not know: -KVM_ENOSYS. */
export const KVM_ENOSYS = -1000;
/** A call above CPL 0: -KVM_EPERM. */
export const KVM_EPERM = -1;
/** An argument that the call does not take: -KVM_EOPNOTSUPP. */
export const KVM_EOPNOTSUPP = -95;

/** `struct pvclock_vcpu_time_info`, 32 bytes, by offset. Also Xen's `vcpu_time_info`. */
export const PVCLOCK = {
  /** Odd while it is being written. */
  version: 0,
  tscTimestamp: 8,
  /** Nanoseconds. */
  systemTime: 16,
  tscToSystemMul: 24,
  tscShift: 28,
  flags: 29,
  size: 32,
} as const;
/** The clock never goes back between CPUs. */
export const PVCLOCK_TSC_STABLE = 1;

/** `struct pvclock_wall_clock`, 12 bytes: version, seconds, nanoseconds of the time at which system time was 0. */
export const WALL_CLOCK = { version: 0, sec: 4, nsec: 8, size: 12 } as const;

/** `struct kvm_steal_time`, 64 bytes. */
export const STEAL_TIME = { steal: 0, version: 8, flags: 12, preempted: 16, size: 64 } as const;
