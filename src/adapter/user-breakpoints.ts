import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debugger/debuggee.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { parseAddress } from './addresses.ts';

type Group = 'function' | 'instruction';

/** A breakpoint as the user asked for it; it outlives the machine, which a restart replaces. */
interface UserBreakpoint {
  readonly id: number;
  readonly group: Group;
  readonly resolve: (debuggee: Debuggee) => Resolved;
}

interface Resolved {
  readonly addresses: readonly bigint[];
  /** The hypercall that it waits for, instead of an address: a name as the hypervisor gives it, or `*`. */
  readonly hypercall?: string;
  /** Why it is not verified. */
  readonly message?: string;
}

/** The function and instruction breakpoints of a session. */
export class UserBreakpoints {
  private readonly notify: (body: DebugProtocol.BreakpointEvent['body']) => void;
  private breakpoints: readonly UserBreakpoint[] = [];
  private hypercalls: readonly { readonly id: number; readonly hypercall: string }[] = [];
  private everyHypercall = false;
  private lastId = 0;
  private debuggee: Debuggee | undefined;

  constructor(notify: (body: DebugProtocol.BreakpointEvent['body']) => void) {
    this.notify = notify;
  }

  /** Sets everything on a machine that has taken the place of another, or on none; tells the client where the breakpoints lie now. */
  attach(debuggee: Debuggee | undefined): void {
    this.debuggee = debuggee;
    const states = this.arm(this.breakpoints);
    for (const breakpoint of states) this.notify({ reason: 'changed', breakpoint });
  }

  /** Replaces the function breakpoints: names, `name+0x12`, addresses, `hypercall NAME`. */
  setFunctions(names: readonly string[]): DebugProtocol.Breakpoint[] {
    return this.replace(
      'function',
      names.map((name) => {
        const [, hypercall] = HYPERCALL.exec(name.trim()) ?? [];
        return (debuggee) =>
          hypercall === undefined ? resolveFunction(debuggee, name) : resolveHypercall(debuggee, hypercall);
      }),
    );
  }

  /** Replaces the instruction breakpoints, given by memory references with offsets in bytes. */
  setInstructions(places: readonly DebugProtocol.InstructionBreakpoint[]): DebugProtocol.Breakpoint[] {
    return this.replace(
      'instruction',
      places.map(
        ({ instructionReference, offset }) =>
          (debuggee) =>
            resolveInstruction(debuggee, instructionReference, offset ?? 0),
      ),
    );
  }

  /** Stops before every hypercall, whatever the breakpoints say. */
  setEveryHypercall(every: boolean): void {
    this.everyHypercall = every;
    this.arm(this.breakpoints);
  }

  /** Ids of the breakpoints on a hypercall of this name. */
  onHypercall(name: string): number[] {
    return this.hypercalls.filter(({ hypercall }) => matches(hypercall, name)).map(({ id }) => id);
  }

  /** The DAP stop reason of a hit. */
  reasonOf(ids: readonly number[]): string {
    const hit = this.breakpoints.find(({ id }) => ids.includes(id));
    return hit?.group === 'function' ? 'function breakpoint' : 'instruction breakpoint';
  }

  private replace(group: Group, resolvers: readonly UserBreakpoint['resolve'][]): DebugProtocol.Breakpoint[] {
    const added = resolvers.map((resolve) => ({ id: ++this.lastId, group, resolve }));
    this.breakpoints = [...this.breakpoints.filter((breakpoint) => breakpoint.group !== group), ...added];
    const ids = new Set(added.map(({ id }) => id));
    return this.arm(this.breakpoints).filter(({ id }) => id !== undefined && ids.has(id));
  }

  private arm(breakpoints: readonly UserBreakpoint[]): DebugProtocol.Breakpoint[] {
    const { debuggee } = this;
    if (debuggee === undefined) return breakpoints.map(({ id }) => ({ id, verified: false }));
    const resolved = breakpoints.map(({ id, resolve }) => ({ id, ...resolve(debuggee) }));
    debuggee.breakpoints.set(resolved);
    this.hypercalls = resolved.flatMap(({ id, hypercall }) => (hypercall === undefined ? [] : [{ id, hypercall }]));
    const waits = this.everyHypercall || this.hypercalls.length > 0;
    debuggee.machine.hypercalls.stopBefore = waits
      ? ({ name }) => this.everyHypercall || this.onHypercall(name).length > 0
      : undefined;
    return resolved.map(({ id, addresses, message }) => ({
      id,
      verified: message === undefined,
      ...(message === undefined ? {} : { message }),
      ...(addresses[0] === undefined ? {} : { instructionReference: hex(addresses[0], 8) }),
    }));
  }
}

/** `hypercall mmu_update`, `hypercall sched_op.*`, `hypercall *`. */
const HYPERCALL = /^hypercall\s+(\S+)$/;

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function resolveHypercall({ machine }: Debuggee, hypercall: string): Resolved {
  if (machine.hypervisor !== 'native') return { addresses: [], hypercall };
  return { addresses: [], message: 'Nobody answers hypercalls: the hypervisor of this machine is native' };
}

function resolveFunction({ inspection }: Debuggee, name: string): Resolved {
  try {
    const { value } = inspection.evaluateAddress(name);
    return withMemory(inspection, inspection.symbols.aliases(value));
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    return { addresses: [], message: error.message };
  }
}

function resolveInstruction({ inspection }: Debuggee, reference: string, offset: number): Resolved {
  return withMemory(inspection, [BigInt.asUintN(32, parseAddress(reference) + BigInt(offset))]);
}

/** An address that cannot be reached now stays armed, because the guest may map it later, but is not called verified. */
function withMemory(inspection: Debuggee['inspection'], addresses: readonly bigint[]): Resolved {
  if (addresses.some((address) => inspection.read(address, 1).length > 0)) return { addresses };
  const [address = 0n] = addresses;
  return { addresses, message: `Nothing is mapped at ${hex(address, 8)} now` };
}
