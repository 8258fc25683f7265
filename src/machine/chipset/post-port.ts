import { hex } from '../../util/hex.ts';
import type { Device, DeviceState } from '../device.ts';

const POST_PORT = 0x80;

/** Port 0x80: firmware shows its progress there, kernels write it to let a microsecond pass. Keeps the last value. */
export class PostPort implements Device {
  readonly name = 'POST code port';
  readonly ports = [{ first: POST_PORT, last: POST_PORT }];
  private value = 0;

  get summary(): string {
    return `last ${hex(this.value, 2)}`;
  }

  portRead(): number {
    return this.value;
  }

  portWrite(_port: number, _width: number, value: number): void {
    this.value = value;
  }

  save(): DeviceState {
    return { value: this.value };
  }

  restore(state: DeviceState): void {
    this.value = state['value'] as number;
  }
}
