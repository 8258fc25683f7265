import { Emitter } from '../../../util/emitter.ts';
import type { Device, DeviceState } from '../../device.ts';
import { SERVICE_PORT } from './rom.ts';

/** The port by which the instructions in the BIOS's ROM reach its services. */
export class BiosPort implements Device {
  readonly name = 'BIOS services';
  readonly ports = [{ first: SERVICE_PORT, last: SERVICE_PORT }];
  /** The port was written: the BIOS is asked, or somebody else writes what is not theirs. */
  readonly onRequest = new Emitter<void>();

  portRead(): number {
    return 0xff;
  }

  portWrite(): void {
    this.onRequest.fire();
  }

  save(): DeviceState {
    return {};
  }

  restore(): void {
    // Its state is in guest memory.
  }
}
