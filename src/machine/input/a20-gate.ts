import { Emitter } from '../../util/emitter.ts';

/**
 * The gate in front of address line 20. Port 0x92 and the output port of the 8042 are two ways to one latch, as in Bochs and in
 * the chip sets since the PS/2: the last write wins and both read it back. Its state is kept by the system control ports.
 */
export class A20Gate {
  /** Fires with the new state, only when it changes. */
  readonly onChange = new Emitter<boolean>();
  /** Firmware leaves it open: every entry protocol asks for that. */
  private open = true;

  /** Whether address bit 20 reaches the bus; closed, physical addresses have that bit clear. */
  get on(): boolean {
    return this.open;
  }

  set(on: boolean): void {
    if (on === this.open) return;
    this.open = on;
    this.onChange.fire(on);
  }

  /** Takes a saved state without telling anybody. */
  restore(on: boolean): void {
    this.open = on;
  }
}
