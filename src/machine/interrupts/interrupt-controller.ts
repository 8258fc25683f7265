import type { Device, DeviceState, InterruptLine } from '../device.ts';
import { InterruptChip } from './interrupt-chip.ts';

/** The master's input that the slave's INT pin drives. */
const CASCADE = 2;

/** Edge/level control registers (ELCR, 82371AB): bits that can be set; timer, keyboard, cascade, clock and coprocessor are edge only. */
const ELCR_WRITABLE = [0xf8, 0xde] as const;

/** The two 8259A of the PC: IRQ 0..7 on the master, IRQ 8..15 on the slave, which hangs on the master's input 2. */
export class InterruptController implements Device {
  readonly name = '8259A interrupt controllers';
  readonly ports = [
    { first: 0x20, last: 0x21 },
    { first: 0xa0, last: 0xa1 },
    { first: 0x4d0, last: 0x4d1 },
  ];
  private readonly master = new InterruptChip(1 << CASCADE);
  private readonly slave = new InterruptChip(0);
  private readonly output: (high: boolean) => void;

  /** `output` is called with the level of the INT pin whenever it may have changed. */
  constructor(output: (high: boolean) => void = () => undefined) {
    this.output = output;
  }

  /** The input that a device drives, IRQ 0..15 without 2. */
  line(irq: number): InterruptLine {
    const set = (high: boolean): void => {
      this.chipOf(irq).setLine(irq & 7, high);
      this.cascade();
    };
    return { raise: () => set(true), lower: () => set(false) };
  }

  /** Whether the INTR pin of the CPU is high. */
  pending(): boolean {
    return this.master.pendingLevel() !== undefined;
  }

  /** The CPU's acknowledge cycle: the vector. With nothing pending, the spurious interrupt: input 7. */
  acknowledge(): number {
    const level = this.master.acknowledge();
    if (level !== CASCADE) {
      this.pulse();
      return this.master.vector(level);
    }
    const vector = this.slave.vector(this.slave.acknowledge());
    this.master.setLine(CASCADE, false);
    this.pulse();
    return vector;
  }

  /** Whether a rise of this line could reach the CPU, now or after the interrupts in service have ended. */
  enabled(irq: number): boolean {
    return !this.chipOf(irq).masked(irq & 7) && (irq < 8 || !this.master.masked(CASCADE));
  }

  portRead(port: number): number {
    if (port >= 0x4d0) return (port & 1 ? this.slave : this.master).levelInputs;
    const value = this.chipAt(port).read((port & 1) !== 0);
    this.cascade();
    return value;
  }

  portWrite(port: number, _width: number, value: number): void {
    if (port === 0x4d0) this.master.levelInputs = value & ELCR_WRITABLE[0];
    else if (port === 0x4d1) this.slave.levelInputs = value & ELCR_WRITABLE[1];
    else this.chipAt(port).write((port & 1) !== 0, value);
    this.cascade();
  }

  save(): DeviceState {
    return { master: this.master.save(), slave: this.slave.save() };
  }

  restore(state: DeviceState): void {
    this.master.restore(state['master'] as DeviceState);
    this.slave.restore(state['slave'] as DeviceState);
  }

  private chipOf(irq: number): InterruptChip {
    return irq < 8 ? this.master : this.slave;
  }

  private chipAt(port: number): InterruptChip {
    return port < 0xa0 ? this.master : this.slave;
  }

  private cascade(): void {
    this.master.setLine(CASCADE, this.slave.pendingLevel() !== undefined);
    this.output(this.pending());
  }

  /** INT falls at the end of an acknowledge even when another request waits: what it drives needs the edge. */
  private pulse(): void {
    this.output(false);
    this.cascade();
  }
}
