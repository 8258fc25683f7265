import type { DeviceState } from '../device.ts';

type TransmitterState = {
  /** Bytes in THR or the transmitter FIFO. */
  waiting: number[];
  /** The byte in the shift register and the tick at which its stop bit ends; null while the line idles. */
  shifting: number | null;
  doneAt: number | null;
};

/** THR, transmitter FIFO and shift register of a 16550 (PC16550D, 8.1 and 8.4): a byte takes as long as its frame. */
export class SerialTransmitter {
  private state: TransmitterState = { waiting: [], shifting: null, doneAt: null };

  /** THRE: nothing waits for the shift register. */
  get holdingEmpty(): boolean {
    return this.state.waiting.length === 0;
  }

  /** TEMT: the shift register is idle too. */
  get idle(): boolean {
    return this.state.doneAt === null;
  }

  /** Tick at which the byte in the shift register has left; Infinity when there is none. */
  get doneAt(): number {
    return this.state.doneAt ?? Infinity;
  }

  /** A byte for at most `capacity` that wait. One too many is lost in a FIFO and takes the place of the one in THR. */
  write(byte: number, capacity: number, now: number, frameTicks: number): void {
    const { state } = this;
    if (state.waiting.length < capacity) state.waiting.push(byte);
    else if (capacity === 1) state.waiting = [byte];
    if (this.idle) this.shift(now + frameTicks);
  }

  /** The byte that left at {@link doneAt}, and whether the next, which follows without a gap, was the last that waited. */
  finish(frameTicks: number): { readonly byte: number; readonly emptied: boolean } {
    const { shifting, doneAt, waiting } = this.state;
    const emptied = waiting.length === 1;
    this.shift((doneAt ?? 0) + frameTicks);
    return { byte: shifting ?? 0, emptied };
  }

  /** Empties the FIFO; the byte in the shift register goes on. */
  clear(): void {
    this.state.waiting = [];
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as TransmitterState);
  }

  private shift(doneAt: number): void {
    const next = this.state.waiting.shift();
    this.state.shifting = next ?? null;
    this.state.doneAt = next === undefined ? null : doneAt;
  }
}
