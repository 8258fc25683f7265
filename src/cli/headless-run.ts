import { count } from '../util/hex.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import type { MachineStop } from '../machine/stop.ts';

/** A text for the keyboard. */
export interface TypedText {
  readonly text: string;
  /** Instructions since entry. */
  readonly at: number;
}

export interface HeadlessLimits {
  /** Linear address to stop at. */
  readonly until: bigint | undefined;
  readonly maxInstructions: number | undefined;
  readonly typed: readonly TypedText[];
  /** Takes what the guest sends to COM1 and port 0xe9, as it comes. */
  readonly output: (bytes: Uint8Array) => void;
}

/** How a run ended and what the guest printed on COM1. */
export interface HeadlessRun {
  readonly stop: MachineStop;
  readonly serial: string;
}

/** Runs a machine that nobody watches until something stops it; keys are pressed at their instruction counts. */
export function runHeadless({ machine, target, inspection }: Debuggee, limits: HeadlessLimits): HeadlessRun {
  let serial = '';
  machine.onSerial.on((byte) => {
    serial += String.fromCharCode(byte);
    limits.output(Uint8Array.of(byte));
  });
  machine.console.on((character) => limits.output(Uint8Array.of(character.charCodeAt(0))));
  const end = limits.maxInstructions ?? Infinity;
  if (end === 0) return { stop: atEntry(inspection.address(target.instructionAddress)), serial };
  if (limits.until !== undefined) target.setBreakpoints(inspection.symbols.aliases(limits.until));

  const typed = [...limits.typed].sort((left, right) => left.at - right.at);
  for (;;) {
    const key = typed[0];
    const next = Math.min(end, key?.at ?? Infinity);
    const stop = target.run({ maxInstructions: Math.max(0, next - target.instructions) });
    // A guest that sleeps until a key comes gets it now: its instruction count will not advance before.
    const due = stop.reason === 'halt' || (stop.reason === 'max-instructions' && next < end);
    if (key === undefined || !due || (stop.reason === 'halt' && !machine.cpu.interruptible))
      return { stop: final(stop, limits, target.instructions), serial };
    typed.shift();
    machine.typeText(key.text);
  }
}

function atEntry(place: string): MachineStop {
  return { reason: 'entry', description: `At the first instruction, ${place}.` };
}

/** The machine counts instructions since its last run; the user asked for a count since entry. */
function final(stop: MachineStop, limits: HeadlessLimits, instructions: number): MachineStop {
  if (stop.reason !== 'max-instructions' || limits.maxInstructions !== instructions) return stop;
  return { ...stop, description: `${count(instructions)} instructions have run.` };
}
