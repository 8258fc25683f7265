import type { DeviceState } from '../device.ts';
import { APIC_REGISTER } from './local-apic-registers.ts';
import { VectorSet } from './vector-set.ts';

/** What waits and what is served in a local APIC, by priority: IRR, ISR, TMR and TPR (SDM 3A 10.8). The class of a vector is its bits 4..7. */
export class InterruptRequests {
  private readonly requested = new VectorSet();
  private readonly served = new VectorSet();
  private readonly levels = new VectorSet();
  private task = 0;
  private ready = false;

  /** Whether a request is of a higher class than the processor's priority. Kept, because the run loop asks often. */
  get deliverable(): boolean {
    return this.ready;
  }

  /** TPR. */
  get taskPriority(): number {
    return this.task;
  }
  set taskPriority(value: number) {
    this.task = value;
    this.settle();
  }

  /** PPR (10.8.3.1). */
  get processorPriority(): number {
    const served = Math.max(0, this.served.highest());
    return this.task >> 4 >= served >> 4 ? this.task : served & 0xf0;
  }

  /** APR (10.6.2.4); on this machine there is nobody to arbitrate with. */
  get arbitrationPriority(): number {
    const served = Math.max(0, this.served.highest()) >> 4;
    const requested = Math.max(0, this.requested.highest()) >> 4;
    const task = this.task >> 4;
    return task >= requested && task > served ? this.task : Math.max(task & served, requested) << 4;
  }

  /** A word of ISR, TMR or IRR by its register offset. */
  word(register: number): number {
    const set =
      register >= APIC_REGISTER.request
        ? this.requested
        : register >= APIC_REGISTER.triggerMode
          ? this.levels
          : this.served;
    return set.word((register >> 4) & 7);
  }

  accept(vector: number, level: boolean): void {
    this.requested.set(vector, true);
    this.levels.set(vector, level);
    this.settle();
  }

  /** Takes the highest request into service; undefined when none is deliverable. */
  acknowledge(): number | undefined {
    if (!this.ready) return undefined;
    const vector = this.requested.highest();
    this.requested.set(vector, false);
    this.served.set(vector, true);
    this.settle();
    return vector;
  }

  /** EOI: ends the highest that is served; undefined when none is. */
  end(): { readonly vector: number; readonly level: boolean } | undefined {
    const vector = this.served.highest();
    if (vector < 0) return undefined;
    this.served.set(vector, false);
    this.settle();
    return { vector, level: this.levels.has(vector) };
  }

  reset(): void {
    for (const set of [this.requested, this.served, this.levels]) set.clear();
    this.taskPriority = 0;
  }

  save(): DeviceState {
    const { requested, served, levels, task } = this;
    return { requested: requested.save(), served: served.save(), levels: levels.save(), task };
  }

  restore(state: DeviceState): void {
    this.requested.restore(state['requested'] as readonly number[]);
    this.served.restore(state['served'] as readonly number[]);
    this.levels.restore(state['levels'] as readonly number[]);
    this.taskPriority = state['task'] as number;
  }

  private settle(): void {
    const highest = this.requested.highest();
    this.ready = highest >= 0 && highest >> 4 > this.processorPriority >> 4;
  }
}
