import type { LoadPlan } from '../boot/protocol.ts';
import type { Machine } from '../machine/machine.ts';
import { binarySize } from '../util/hex.ts';
import { Breakpoints } from './breakpoints.ts';
import type { CodeSource } from './code-listing.ts';
import { Disassembler } from './disassembler.ts';
import { checkPromises } from './entry-promises.ts';
import type { CheckedPromise } from './entry-promises.ts';
import { Inspection } from './inspection.ts';
import { CR0 } from '../x86/control-registers.ts';
import { MachineTarget } from './machine-target.ts';
import { ParavirtView } from './paravirt-view.ts';
import { RunControl } from './run-control.ts';
import type { Scheduler } from './scheduler.ts';
import { Symbols } from './symbols.ts';
import type { SymbolFile } from './symbols.ts';
import type { Target } from './target.ts';

/** A machine that was loaded by a plan. */
export interface LoadedMachine {
  readonly machine: Machine;
  readonly plan: LoadPlan;
  /** The registers that the plan does not promise hold a pattern. */
  readonly poison: boolean;
  /** The symbols of the kernel itself. */
  readonly kernel: SymbolFile;
  readonly otherSymbols: readonly SymbolFile[];
  /** Registers to set after the entry protocol has: names to expressions. */
  readonly registers: Readonly<Record<string, string>>;
}

/** A machine at its entry with everything that looks at it. */
export interface Debuggee {
  readonly machine: Machine;
  readonly target: Target;
  readonly inspection: Inspection;
  readonly breakpoints: Breakpoints;
  readonly control: RunControl;
  readonly disassembler: Disassembler;
  readonly code: CodeSource;
  /** The kernel first. */
  readonly symbolFiles: readonly SymbolFile[];
  readonly paravirt: ParavirtView;
  /** The entry protocol's promises, compared with the machine before its first instruction. */
  readonly promises: readonly CheckedPromise[];
}

/** Puts a debugger around a loaded machine. Throws when a register of the request cannot be set. */
export function createDebuggee(loaded: LoadedMachine, scheduler: Scheduler): Debuggee {
  const { machine, plan, poison, kernel, registers } = loaded;
  const symbolFiles = [kernel, ...loaded.otherSymbols];
  const target = new MachineTarget(machine);
  const symbols = new Symbols(symbolFiles, plan.physicalBias, (plan.state.cr0 & CR0.PG) !== 0);
  const inspection = new Inspection({ target, symbols, plan, poison });
  for (const [name, value] of Object.entries(registers))
    target.setRegister(name.toLowerCase(), inspection.evaluate(value).value);
  const breakpoints = new Breakpoints(target);
  return {
    machine,
    target,
    inspection,
    breakpoints,
    control: new RunControl(target, breakpoints, scheduler),
    disassembler: new Disassembler('att'),
    code: codeSource(inspection),
    symbolFiles,
    paravirt: new ParavirtView(inspection, kernel),
    promises: checkPromises(inspection, new Set(Object.keys(registers).map((name) => name.toLowerCase()))),
  };
}

/** `128 MiB, kvm`. */
export function machineText({ machine }: Debuggee): string {
  return `${binarySize(machine.memory.size)}, ${machine.hypervisor}`;
}

/** The code of the machine as it stands whenever it is read. */
function codeSource(inspection: Inspection): CodeSource {
  const { target, symbols } = inspection;
  return {
    read: (address, count) => inspection.read(address, count),
    functionStart: (address) => symbols.startOf(address, target.paging),
    get context() {
      return {
        bits: target.codeSize,
        base: BigInt(target.segment('cs').base),
        nameOf: (address: bigint) => inspection.nameOf(address),
      };
    },
  };
}
