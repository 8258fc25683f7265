import type { CodeCache } from '../code-cache.ts';
import type { DecodedInstruction } from '../decoder.ts';
import type { Mmu } from '../mmu.ts';
import { SEGMENT, type CpuState } from '../state.ts';

/** The generated interpreter (in the making): leaves every instruction to the evaluator. */
export class Interpreter {
  outcome: 'budget' | 'breakpoint' | 'slow' = 'slow';
  slowInstruction: DecodedInstruction | undefined;
  private breakpoints: ReadonlySet<number> = new Set();
  private readonly state: CpuState;

  constructor(state: CpuState, _mmu: Mmu, _code: CodeCache) {
    this.state = state;
  }
  setBreakpoints(addresses: ReadonlySet<number>): void {
    this.breakpoints = addresses;
  }
  reset(): void {
    this.slowInstruction = undefined;
  }
  translationsChanged(): void {
    this.slowInstruction = undefined;
  }
  run(_budget: number, skipFirstBreakpoint: boolean): number {
    const linear = (this.state.segment(SEGMENT.cs).base + this.state.ip) >>> 0;
    this.outcome = !skipFirstBreakpoint && this.breakpoints.has(linear) ? 'breakpoint' : 'slow';
    return 0;
  }
}
