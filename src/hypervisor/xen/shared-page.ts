import { EVENT_CHANNELS, SHARED_INFO, VCPU_INFO } from '../../abi/xen/shared-info.ts';
import type { DeviceState } from '../../machine/device.ts';
import { POWER_ON_UNIX_TIME } from '../../machine/timers/calendar.ts';
import { pvclockRecord } from '../pvclock.ts';
import { fillMachine, type Domain } from './domain.ts';

/** shared_info and the vcpu_info of the one virtual CPU, at their machine addresses. */
export class SharedPage {
  private readonly domain: Domain;
  private sharedInfo: number;
  private vcpuInfo: number;
  private version = 0;

  constructor(domain: Domain, machine: number) {
    this.domain = domain;
    this.sharedInfo = machine;
    this.vcpuInfo = machine + SHARED_INFO.vcpuInfo;
  }

  get machine(): number {
    return this.sharedInfo;
  }

  /** A PVH guest wants the page somewhere else: what is in it moves. */
  moveTo(machine: number): void {
    fillMachine(this.domain, machine, this.domain.host.memory.read(this.sharedInfo, SHARED_INFO.size));
    this.vcpuInfo = machine + (this.vcpuInfo - this.sharedInfo);
    this.sharedInfo = machine;
  }

  /** The vcpu_info moves; events that waited do not get lost (Xen, map_vcpu_info). */
  moveVcpuInfo(machine: number): void {
    fillMachine(this.domain, machine, this.domain.host.memory.read(this.vcpuInfo, SHARED_INFO.vcpuInfoSize));
    this.vcpuInfo = machine;
    this.put8(VCPU_INFO.upcallPending, 1);
    this.put32(VCPU_INFO.pendingSelector, 0xffffffff);
  }

  get masked(): boolean {
    return this.get8(VCPU_INFO.upcallMask) !== 0;
  }
  set masked(value: boolean) {
    this.put8(VCPU_INFO.upcallMask, value ? 1 : 0);
  }
  /** The mask byte as it stands, for frames. */
  get maskByte(): number {
    return this.get8(VCPU_INFO.upcallMask);
  }
  get upcallPending(): boolean {
    return this.get8(VCPU_INFO.upcallPending) !== 0;
  }

  /** The address of a page fault, which the guest reads in the place of CR2. */
  set cr2(linear: number) {
    this.put32(VCPU_INFO.cr2, linear);
  }
  get cr2(): number {
    return this.domain.host.cpu.memory.readPhysical(this.vcpuInfo + VCPU_INFO.cr2, 32) >>> 0;
  }

  isPending(port: number): boolean {
    return this.bit(SHARED_INFO.eventPending, port);
  }
  isMasked(port: number): boolean {
    return this.bit(SHARED_INFO.eventMask, port);
  }
  clearPending(port: number): void {
    this.setBit(SHARED_INFO.eventPending, port, false);
  }
  unmask(port: number): void {
    this.setBit(SHARED_INFO.eventMask, port, false);
  }

  /** Sets the port's bit, and where it is not masked the selector and the flag of the virtual CPU. */
  markPending(port: number): void {
    if (this.isPending(port)) return;
    this.setBit(SHARED_INFO.eventPending, port, true);
    if (!this.isMasked(port)) this.selectPort(port);
  }
  /** Tells the virtual CPU of a port whose bit is set. */
  selectPort(port: number): void {
    const { memory } = this.domain.host.cpu;
    const at = this.vcpuInfo + VCPU_INFO.pendingSelector;
    memory.writePhysical(at, 32, (memory.readPhysical(at, 32) | (1 << (port >>> 5))) >>> 0);
    this.put8(VCPU_INFO.upcallPending, 1);
  }

  /** Puts the present time into the time record. */
  updateTime(): void {
    const { host } = this.domain;
    this.version += 2;
    fillMachine(
      this.domain,
      this.vcpuInfo + VCPU_INFO.time,
      pvclockRecord(this.version, host.cpu.bus.timeStamp(), host.clock.now),
    );
  }
  /** The time of day when the system time was 0. */
  setWallClock(): void {
    const { memory } = this.domain.host.cpu;
    memory.writePhysical(this.sharedInfo + SHARED_INFO.wallClockSeconds, 32, POWER_ON_UNIX_TIME);
    memory.writePhysical(this.sharedInfo + SHARED_INFO.wallClockNanoseconds, 32, 0);
    memory.writePhysical(this.sharedInfo + SHARED_INFO.wallClockVersion, 32, 2);
  }

  save(): DeviceState {
    return { sharedInfo: this.sharedInfo, vcpuInfo: this.vcpuInfo, version: this.version };
  }
  restore(state: DeviceState): void {
    const { sharedInfo, vcpuInfo, version } = state as { sharedInfo: number; vcpuInfo: number; version: number };
    this.sharedInfo = sharedInfo;
    this.vcpuInfo = vcpuInfo;
    this.version = version;
  }

  private get8(offset: number): number {
    return this.domain.host.cpu.memory.readPhysical(this.vcpuInfo + offset, 8);
  }
  private put8(offset: number, value: number): void {
    this.domain.host.cpu.memory.writePhysical(this.vcpuInfo + offset, 8, value);
  }
  private put32(offset: number, value: number): void {
    this.domain.host.cpu.memory.writePhysical(this.vcpuInfo + offset, 32, value);
  }
  private bit(array: number, port: number): boolean {
    const byte = this.domain.host.cpu.memory.readPhysical(this.sharedInfo + array + (port >>> 3), 8);
    return port < EVENT_CHANNELS && ((byte >>> (port & 7)) & 1) !== 0;
  }
  private setBit(array: number, port: number, value: boolean): void {
    const { memory } = this.domain.host.cpu;
    const at = this.sharedInfo + array + (port >>> 3);
    const mask = 1 << (port & 7);
    memory.writePhysical(at, 8, (memory.readPhysical(at, 8) & ~mask) | (value ? mask : 0));
  }
}
