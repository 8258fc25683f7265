import { LGUEST_ABOVE_MEMORY, LGUEST_DEVICE_PAGES, type LguestInterface } from '../../abi/lguest.ts';
import type { SupervisorHost } from '../../machine/supervisor.ts';
import { hex } from '../../util/hex.ts';

const PAGE = 4096;

/**
 * One lguest guest as every part of its hypervisor sees it: its memory, the `struct lguest_data` that it shares, and its death. As in
 * drivers/lguest/core.c, a read where the guest has no memory kills the guest and gives zeros; nothing here throws for what a guest does.
 */
export class LguestGuest {
  readonly host: SupervisorHost;
  readonly interface: LguestInterface;
  /** Bytes of memory that the guest was promised. */
  readonly memory: number;
  /** Physical address of `struct lguest_data`; undefined before LGUEST_INIT. */
  data: number | undefined;
  /** Why it was killed. */
  death: string | undefined;

  constructor(host: SupervisorHost, revision: LguestInterface, memory: number) {
    this.host = host;
    this.interface = revision;
    this.memory = memory;
  }

  /** Physical addresses below are the guest's: its memory and the page of device descriptors. */
  get limit(): number {
    return this.memory + LGUEST_DEVICE_PAGES * PAGE;
  }

  /** Physical address of something in the memory that stands for the host's. */
  hostAddress(part: keyof typeof LGUEST_ABOVE_MEMORY): number {
    return this.memory + LGUEST_ABOVE_MEMORY[part];
  }

  /** kill_guest: the first reason counts. */
  kill(reason: string): void {
    if (this.death !== undefined) return;
    this.death = reason;
    this.host.stop({ reason: 'error', description: `lguest killed the guest: ${reason}.` });
  }

  /** lguest_address_ok: the last page below the limit does not count, as there. */
  covers(address: number, length: number): boolean {
    return address >= 0 && address + length <= 0xffffffff && Math.floor((address + length) / PAGE) < this.limit / PAGE;
  }

  read32(address: number): number {
    if (!this.covers(address, 4)) {
      this.kill(`bad read address ${hex(address)} len 4`);
      return 0;
    }
    return this.host.memory.read32(address);
  }
  read8(address: number): number {
    if (!this.covers(address, 1)) {
      this.kill(`bad read address ${hex(address)} len 1`);
      return 0;
    }
    return this.host.memory.read8(address);
  }
  readBytes(address: number, length: number): Uint8Array {
    if (this.covers(address, length)) return this.host.memory.read(address, length);
    this.kill(`bad read address ${hex(address)} len ${length}`);
    return new Uint8Array(length);
  }

  write32(address: number, value: number): void {
    if (this.covers(address, 4)) this.host.cpu.memory.writePhysical(address, 32, value >>> 0);
    else this.kill(`bad write address ${hex(address)} len 4`);
  }
  write8(address: number, value: number): void {
    if (this.covers(address, 1)) this.host.cpu.memory.writePhysical(address, 8, value);
    else this.kill(`bad write address ${hex(address)} len 1`);
  }

  /** Writes memory of the host itself, which lies above that of the guest. */
  writeHost32(address: number, value: number): void {
    const { cpu, memory } = this.host;
    if (memory.read32(address) !== value >>> 0) cpu.memory.writePhysical(address, 32, value >>> 0);
  }

  /** A word of lguest_data; 0 before LGUEST_INIT and where the revision does not have the field. */
  field(offset: number | undefined): number {
    return this.data === undefined || offset === undefined ? 0 : this.host.memory.read32(this.data + offset);
  }
  setField(offset: number | undefined, value: number): void {
    if (this.data !== undefined && offset !== undefined) this.write32(this.data + offset, value);
  }
}
