import { hex } from '../util/hex.ts';
import { CR4 } from '../x86/control-registers.ts';
import { DR6, DR7, enabledBreakpoints, type DebugBreakpoint } from '../x86/debug-registers.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { VECTOR } from '../x86/exceptions.ts';
import { CpuFault } from './fault.ts';
import type { CpuState } from './state.ts';
import type { AccessWatch } from './watchpoints.ts';

/**
 * The guest's own debugging (SDM 3, chapter 17): what DR0-DR3 wait for, and the debug exceptions that come of it. Nothing here is asked
 * while nothing is armed: code breakpoints are the interpreter's, data breakpoints keep pages out of the TLBs.
 */
export class DebugEvents {
  /** Linear addresses of instruction breakpoints. */
  codeBreakpoints: ReadonlySet<number> = new Set();
  private readonly state: CpuState;
  private readonly watch: AccessWatch;
  private armed: readonly DebugBreakpoint[] = [];

  constructor(state: CpuState, watch: AccessWatch) {
    this.state = state;
    this.watch = watch;
  }

  /** Reads the debug registers again; tells what changed. */
  update(): { readonly code: boolean; readonly data: boolean } {
    const { state } = this;
    const dr7 = state.debugRegister(7);
    if ((dr7 & DR7.enabled) === 0 && this.armed.length === 0) return { code: false, data: false };
    const addresses = [0, 1, 2, 3].map((n) => state.debugRegister(n)) as [number, number, number, number];
    this.armed = enabledBreakpoints(addresses, dr7, (state.control(4) & CR4.DE) !== 0);
    const before = this.codeBreakpoints;
    this.codeBreakpoints = new Set(
      this.armed.filter(({ condition }) => condition === 'execute').map(({ first }) => first),
    );
    const code = before.size > 0 || this.codeBreakpoints.size > 0;
    const data = this.watch.setRegisters(
      this.armed.flatMap(({ condition, first, length, number }) =>
        condition === 'write' || condition === 'access'
          ? [{ linear: first, length, access: condition, register: number }]
          : [],
      ),
    );
    return { code, data };
  }

  /**
   * Raises #DB where a breakpoint waits for the instruction at `linear`, RF does not suppress it, and this is not a later pass of a
   * repeated instruction (SDM 3, 17.3.1.1).
   */
  checkInstruction(linear: number): void {
    const { systemFlags, repeating } = this.state;
    if (!this.codeBreakpoints.has(linear) || (systemFlags & EFLAGS.RF) !== 0 || repeating) return;
    const hits = this.armed.filter(({ condition, first }) => condition === 'execute' && first === linear);
    const dr6 = hits.reduce((bits, { number }) => bits | (1 << number), 0);
    const reason = `instruction breakpoint DR${hits[0]?.number ?? 0} at lin:${hex(linear, 8)}`;
    throw new CpuFault(VECTOR.DB, undefined, reason, { dr6 });
  }

  /** An access of `bytes` ports from `port` has been made: the DR6 bits of the breakpoints it met. */
  portHits(port: number, bytes: number): number {
    let bits = 0;
    for (const { condition, first, length, number } of this.armed)
      if (condition === 'io' && port < first + length && port + bytes > first) bits |= 1 << number;
    return bits;
  }

  /** The debug trap that waits, as an exception to deliver. */
  trap(): CpuFault {
    const dr6 = this.state.debugPending;
    const causes = [0, 1, 2, 3].filter((n) => ((dr6 >>> n) & 1) !== 0).map((n) => `breakpoint DR${n}`);
    if ((dr6 & DR6.BS) !== 0) causes.push('single step (EFLAGS.TF)');
    if ((dr6 & DR6.BT) !== 0) causes.push('switch to a task whose T bit is 1');
    return new CpuFault(VECTOR.DB, undefined, causes.join(', '), { dr6 });
  }

  /**
   * A debug exception is being delivered: DR6 tells why, and DR7.GD is off for its handler (SDM 3, 17.2.3 and 17.2.4).
   * The result takes it back, for a delivery that failed.
   */
  report(bits: number): () => void {
    const { state } = this;
    const [dr6, dr7] = [state.debugRegister(6), state.debugRegister(7)];
    state.setDebugRegister(6, (dr6 & ~DR6.breakpoints) | bits | DR6.ones);
    state.setDebugRegister(7, dr7 & ~DR7.GD);
    return () => {
      state.setDebugRegister(6, dr6);
      state.setDebugRegister(7, dr7);
    };
  }
}
