import type { AccessWidth, CpuBus } from '../cpu/context.ts';
import { Emitter } from '../util/emitter.ts';
import { internalError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { Clock } from './clock.ts';
import type { Device } from './device.ts';
import type { PortIntercepts } from './supervisor.ts';
import { UnclaimedAccesses } from './unclaimed.ts';

/** What a read gives when nobody drives the data lines. */
function floating(width: AccessWidth): number {
  return width === 32 ? 0xffffffff : (1 << width) - 1;
}

/** Routes ports to devices. What nobody answers reads as all ones and is listed in {@link Bus.unclaimed}. */
export class Bus implements CpuBus {
  readonly unclaimed: UnclaimedAccesses;
  /** FERR# to IGNNE#, see {@link CpuBus.numericError}. */
  onNumericError: (asserted: boolean) => boolean = () => false;
  /** See {@link CpuBus.interruptWaits}. */
  interruptWaits: () => boolean = () => true;
  /** What the hypervisor answers before the devices do. */
  intercepts: PortIntercepts | undefined;
  /** The low half of IA32_APIC_BASE was written. */
  readonly onApicBase = new Emitter<number>();
  private readonly clock: Clock;
  private readonly onDeviceAccess: () => void;
  private readonly portMap = new Map<number, Device>();
  /** By physical page number. */
  private readonly memoryMap = new Map<number, Device>();

  /**
   * `onDeviceAccess` is called after every access that reached a device: an interrupt or a next event may have changed. `here` names
   * the instruction that runs, for what nobody answers.
   */
  constructor(clock: Clock, onDeviceAccess: () => void, here?: () => string) {
    this.unclaimed = new UnclaimedAccesses(here);
    this.clock = clock;
    this.onDeviceAccess = onDeviceAccess;
  }

  /** Gives the device its ports and pages; two devices at one place are a defect of the composition. */
  attach(device: Device): void {
    for (const { first, last } of device.memory ?? []) {
      for (let page = first >>> 12; page <= last >>> 12; page++) {
        const other = this.memoryMap.get(page);
        if (other) throw internalError(`page ${hex(page * 0x1000)} belongs to ${other.name} and to ${device.name}`);
        this.memoryMap.set(page, device);
      }
    }
    for (const { first, last } of device.ports) {
      for (let port = first; port <= last; port++) {
        const other = this.portMap.get(port);
        if (other) throw internalError(`port ${hex(port)} belongs to ${other.name} and to ${device.name}`);
        this.portMap.set(port, device);
      }
    }
  }

  /**
   * Lets a device answer at the page of another physical address, above RAM, instead of the one where it does. False, and nothing has
   * changed, where another device is.
   */
  movePage(device: Device, from: number, to: number): boolean {
    const page = Math.floor(to / 0x1000);
    if (this.memoryMap.has(page)) return false;
    this.memoryMap.delete(Math.floor(from / 0x1000));
    this.memoryMap.set(page, device);
    return true;
  }

  portRead(port: number, width: AccessWidth): number {
    const virtual = this.intercepts?.portRead?.(port, width);
    if (virtual !== undefined) return virtual >>> 0;
    const device = this.portMap.get(port);
    if (!device) {
      this.unclaimed.note('port', `read of port ${hex(port)} (${width} bits)`);
      return floating(width);
    }
    if (width > (device.widest ?? 8)) {
      let value = 0;
      for (let byte = width / 8 - 1; byte >= 0; byte--) value = value * 256 + this.portRead((port + byte) & 0xffff, 8);
      return value;
    }
    const value = device.portRead(port, width);
    this.onDeviceAccess();
    return value;
  }

  portWrite(port: number, width: AccessWidth, value: number): void {
    if (this.intercepts?.portWrite?.(port, width, value) === true) return;
    const device = this.portMap.get(port);
    if (!device) {
      this.unclaimed.note('port', `write to port ${hex(port)} (${width} bits)`);
      return;
    }
    if (width > (device.widest ?? 8)) {
      for (let byte = 0; byte < width / 8; byte++)
        this.portWrite((port + byte) & 0xffff, 8, (value >>> (byte * 8)) & 0xff);
      return;
    }
    device.portWrite(port, width, value);
    this.onDeviceAccess();
  }

  memoryRead(physical: number, width: AccessWidth): number {
    const device = this.memoryMap.get(Math.floor(physical / 0x1000));
    if (device?.memoryRead !== undefined) {
      const value = device.memoryRead(physical, width);
      this.onDeviceAccess();
      return value;
    }
    this.unclaimed.noteMemory('read', physical, `read of ${width} bits at phys:${hex(physical, 8)}`);
    return floating(width);
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    const device = this.memoryMap.get(Math.floor(physical / 0x1000));
    if (device?.memoryWrite !== undefined) {
      device.memoryWrite(physical, width, value);
      this.onDeviceAccess();
      return;
    }
    this.unclaimed.noteMemory('write', physical, `write of ${width} bits at phys:${hex(physical, 8)}`);
  }

  /** Puts into `bytes`, a copy of RAM from `physical` on, what devices in front of RAM would let the CPU read, without effects. */
  peek(physical: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = physical + done;
      const end = Math.min(bytes.length, done + 0x1000 - (at % 0x1000));
      const device = this.memoryMap.get(Math.floor(at / 0x1000));
      for (; device?.memoryPeek !== undefined && done < end; done++) {
        const value = device.memoryPeek(physical + done);
        if (value !== undefined) bytes[done] = value;
      }
      done = end;
    }
  }

  /**
   * Gives a debugger's bytes to the devices in front of RAM from `physical` on, without other effects, and the runs that none of them
   * takes to `ram`.
   */
  poke(physical: number, bytes: Uint8Array, ram: (physical: number, bytes: Uint8Array) => void): void {
    let start = 0;
    const runTo = (end: number): void => {
      if (end > start) ram(physical + start, bytes.subarray(start, end));
    };
    for (const [n, byte] of bytes.entries()) {
      const device = this.memoryMap.get(Math.floor((physical + n) / 0x1000));
      if (device?.memoryPoke?.(physical + n, byte) !== true) continue;
      runTo(n);
      start = n + 1;
    }
    runTo(bytes.length);
  }

  numericError(asserted: boolean): boolean {
    return this.onNumericError(asserted);
  }

  apicBaseWritten(low: number): void {
    this.onApicBase.fire(low);
    this.onDeviceAccess();
  }

  timeStamp(): bigint {
    return BigInt(this.clock.now);
  }
}
