import type { Clock } from '../clock.ts';
import type { InterruptLine, ReportGap } from '../device.ts';
import { InterruptController } from './interrupt-controller.ts';
import { IoApic } from './io-apic.ts';
import { LocalApic } from './local-apic.ts';

/** ISA interrupt 0 is wired to another pin of the I/O APIC than its own; the MADT says so. */
export const TIMER_PIN = 2;

/** The way of an interrupt through the PC: each line goes to the 8259s and to the I/O APIC, and both end at the CPU's local APIC. */
export class InterruptRouting {
  readonly controller: InterruptController;
  readonly localApic: LocalApic;
  readonly ioApic: IoApic;

  constructor(clock: Clock, report: ReportGap) {
    const localApic = new LocalApic(clock, report);
    this.localApic = localApic;
    this.controller = new InterruptController((high) => localApic.setInput(0, high));
    this.ioApic = new IoApic((message) => localApic.receive(message), report);
    localApic.onEndOfInterrupt.on((vector) => this.ioApic.endOfInterrupt(vector));
  }

  /** The ISA interrupt line 0..15 without 2. */
  line(irq: number): InterruptLine {
    const isa = this.controller.line(irq);
    const apic = this.ioApic.line(irq === 0 ? TIMER_PIN : irq);
    return {
      raise: () => {
        isa.raise();
        apic.raise();
      },
      lower: () => {
        isa.lower();
        apic.lower();
      },
    };
  }

  /** Whether an interrupt that can be masked waits for the CPU. */
  pending(): boolean {
    return this.localApic.pending() || (this.localApic.external && this.controller.pending());
  }

  /** The CPU's acknowledge: the vector. What the local APIC itself has comes before the 8259. */
  acknowledge(): number {
    return this.localApic.pending() || !this.localApic.external
      ? this.localApic.acknowledge()
      : this.controller.acknowledge();
  }

  /** Whether a rise of this ISA line could reach the CPU, now or after the interrupts in service have ended. */
  enabled(irq: number): boolean {
    return this.controller.enabled(irq) || this.ioApic.enabled(irq === 0 ? TIMER_PIN : irq);
  }
}
