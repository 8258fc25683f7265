import type { Device, DeviceState, InterruptLine } from '../device.ts';

const CLEAR_PORT = 0xf0;

/**
 * How a PC reports x87 exceptions while CR0.NE is 0 (SDM 1, D.2.1.2; 82371AB, IRQ13): FERR# of the CPU raises IRQ 13; a write to port
 * 0xf0 lowers it and makes the chip assert IGNNE# until FERR# falls, so that the handler can run x87 instructions.
 */
export class CoprocessorError implements Device {
  readonly name = 'coprocessor error logic';
  readonly ports = [{ first: CLEAR_PORT, last: CLEAR_PORT }];
  readonly interrupts = [13];
  private readonly line: InterruptLine;
  private asserted = false;
  private ignored = false;

  constructor(line: InterruptLine) {
    this.line = line;
  }

  get summary(): string {
    return `FERR# ${this.asserted ? 'on' : 'off'}, IGNNE# ${this.ignored ? 'on' : 'off'}`;
  }

  /** FERR# as the CPU drives it; returns IGNNE#. */
  numericError(asserted: boolean): boolean {
    if (!asserted) this.ignored = false;
    if (asserted && !this.asserted) this.line.raise();
    this.asserted = asserted;
    return this.ignored;
  }

  portRead(): number {
    return 0xff;
  }

  portWrite(): void {
    this.line.lower();
    this.ignored = this.asserted;
  }

  save(): DeviceState {
    return { asserted: this.asserted, ignored: this.ignored };
  }

  restore(state: DeviceState): void {
    this.asserted = state['asserted'] as boolean;
    this.ignored = state['ignored'] as boolean;
  }
}
