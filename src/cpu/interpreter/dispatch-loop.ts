import { FunctionBody } from '../../wasm/function-body.ts';
import { recordWithFields } from '../instruction-form.ts';
import * as L from '../layout.ts';
import { BUDGET, MICRO_OP } from '../lowering/chain-lowering.ts';
import { HANDLER_PARAMETERS } from '../lowering/functions.ts';
import { HandlerLowering } from './handler-lowering.ts';
import type { HandlerRun } from './handler-run.ts';

/**
 * The function that is the handler of every one of `runs`, whose table indexes are `first` and up: what a tail call costs between two
 * functions is far more than a turn of this loop. A micro-op with another handler is left for by a tail call.
 */
export function dispatchLoop(runs: readonly HandlerRun[], first: number): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  new DispatchLoop(body).lower(runs, first);
  return body;
}

class DispatchLoop extends HandlerLowering {
  private nextLabel = 0;

  constructor(code: FunctionBody) {
    super(code, false);
  }

  lower(runs: readonly HandlerRun[], first: number): void {
    const { code } = this;
    this.nextLabel = code.loop();
    for (let n = 0; n <= runs.length; n++) code.block();
    code.get(MICRO_OP);
    code.load(16, L.MICRO_OP.handler);
    code.i32(first);
    code.numeric('sub');
    code.branchTable(runs.length + 1);
    for (const { forms } of runs) {
      code.end();
      this.instructions(forms.map(recordWithFields));
    }
    code.end();
    super.enterHandler(
      () => code.get(MICRO_OP),
      () => code.get(BUDGET),
    );
    code.end();
    code.unreachable();
  }

  protected override enterHandler(microOp: () => void, budget: () => void): void {
    const { code } = this;
    microOp();
    budget();
    code.set(BUDGET);
    code.set(MICRO_OP);
    code.branch(this.nextLabel);
  }
}
