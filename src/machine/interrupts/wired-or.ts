import type { InterruptLine } from '../device.ts';

/** Something that holds an interrupt line high while it wants service. */
export interface Interrupting {
  readonly interrupting: boolean;
}

/**
 * A line that several devices pull (ISA: COM1 and COM3, COM2 and COM4): it is high while any of them does, so a second request
 * gives no edge of its own. The devices are asked each time, hence there is no state here.
 */
export function wiredOr(line: InterruptLine, devices: () => readonly Interrupting[]): InterruptLine {
  return {
    raise: () => line.raise(),
    lower: () => {
      if (!devices().some(({ interrupting }) => interrupting)) line.lower();
    },
  };
}
