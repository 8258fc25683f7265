import { KVM_MSR, STEAL_TIME, WALL_CLOCK } from '../../abi/kvm.ts';
import { generalProtection } from '../../cpu/system/operation.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { SupervisorHost, SupervisorState } from '../../machine/supervisor.ts';
import { POWER_ON_UNIX_TIME } from '../../machine/timers/calendar.ts';
import { hex } from '../../util/hex.ts';
import { writePhysical } from '../guest-access.ts';
import { pvclockRecord } from '../pvclock.ts';

/** Bit 0 of SYSTEM_TIME and STEAL_TIME: the page is used. */
const ENABLED = 1n;
/** Bits 1 to 5 of STEAL_TIME are reserved: #GP. */
const STEAL_RESERVED = 0x3en;

type Registers = [index: number, value: string][];

/**
 * The MSRs of KVM through which a guest names the pages that hold its clock and the time that was stolen from it. Nothing is ever stolen
 * here, and the time stamp counter never changes its rate, so that each page is right from the moment it is written.
 */
export class KvmClocks implements SupervisorState {
  readonly name = 'KVM clocks';
  private readonly host: SupervisorHost;
  private readonly values = new Map<number, bigint>();
  /** Of the clock record, even when it can be read. */
  private version = 0;

  constructor(host: SupervisorHost) {
    this.host = host;
  }

  /** Undefined for what is none of KVM's registers. */
  read(index: number): bigint | undefined {
    return isOurs(index) ? (this.values.get(index) ?? 0n) : undefined;
  }

  /** Raises #GP for reserved bits; false for what is none of KVM's registers. */
  write(index: number, value: bigint): boolean {
    if (!isOurs(index)) return false;
    if (index === KVM_MSR.STEAL_TIME && (value & STEAL_RESERVED) !== 0n)
      throw generalProtection(
        `WRMSR: MSR_KVM_STEAL_TIME has reserved bits 0x${(value & STEAL_RESERVED).toString(16)}`,
        {
          index,
        },
      );
    this.values.set(index, value);
    const enabled = (value & ENABLED) !== 0n;
    if (index === KVM_MSR.WALL_CLOCK || index === KVM_MSR.WALL_CLOCK_NEW) this.publish(value, wallClock());
    else if (index === KVM_MSR.STEAL_TIME) {
      if (enabled) this.publish(value & ~0x3fn, new Uint8Array(STEAL_TIME.size));
    } else if (enabled) {
      const { bus } = this.host.cpu;
      this.version += 2;
      this.publish(value & ~ENABLED, pvclockRecord(this.version, bus.timeStamp(), this.host.clock.now));
    }
    return true;
  }

  nextEvent(): number {
    return Infinity;
  }
  advance(): void {
    // The pages need no change while time passes.
  }

  save(): DeviceState {
    const registers: Registers = [...this.values].map(([index, value]) => [index, value.toString(16)]);
    return { registers, version: this.version };
  }
  restore(state: DeviceState): void {
    const { registers, version } = state as { registers: Registers; version: number };
    this.values.clear();
    for (const [index, value] of registers) this.values.set(index, BigInt(`0x${value}`));
    this.version = version;
  }

  /** KVM ignores an address where no memory is; here it is listed as well. */
  private publish(address: bigint, bytes: Uint8Array): void {
    const { host } = this;
    if (address + BigInt(bytes.length) <= BigInt(host.memory.size)) writePhysical(host, Number(address), bytes);
    else host.reportGap(`KVM: the guest wants its clock at phys:${hex(address)}, where no memory is`);
  }
}

function isOurs(index: number): boolean {
  switch (index) {
    case KVM_MSR.WALL_CLOCK:
    case KVM_MSR.SYSTEM_TIME:
    case KVM_MSR.WALL_CLOCK_NEW:
    case KVM_MSR.SYSTEM_TIME_NEW:
    case KVM_MSR.STEAL_TIME:
      return true;
    default:
      return false;
  }
}

/** The time of day at which the system time was 0. */
function wallClock(): Uint8Array {
  const bytes = new Uint8Array(WALL_CLOCK.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(WALL_CLOCK.version, 2, true);
  view.setUint32(WALL_CLOCK.sec, POWER_ON_UNIX_TIME, true);
  return bytes;
}
