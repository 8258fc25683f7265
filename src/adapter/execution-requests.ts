import type { Debuggee } from '../debugger/debuggee.ts';
import type { RunControl } from '../debugger/run-control.ts';
import { StartOfDayError } from '../util/errors.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

/** The only thread: the processor. */
const THREAD = { id: 1, name: 'CPU 0' };

/** After a shutdown there is nothing to step. */
function requireAlive({ control }: Debuggee): RunControl {
  if (!control.shutDown) return control;
  throw new StartOfDayError({
    code: 'shut-down',
    blame: 'user',
    title: 'The machine has shut down',
    mend: 'Restart it to run again.',
  });
}

export function executionRequests(
  state: SessionState,
): Handlers<'threads' | 'continue' | 'pause' | 'next' | 'stepIn' | 'stepOut'> {
  /** Starts a run or a step once the client knows that it was asked for. */
  const after = (action: () => void): undefined => {
    state.afterResponse(action);
    return undefined;
  };
  return {
    threads: () => ({ threads: [THREAD] }),
    continue: () => {
      const { control } = state.stopped;
      // After a shutdown there is nothing to go on with: the run is over.
      if (control.shutDown) after(() => state.terminate(1));
      else after(() => control.continue());
      return { allThreadsContinued: true };
    },
    pause: () => {
      const { control } = state.debuggee;
      return after(() => control.pause());
    },
    next: () => {
      const control = requireAlive(state.stopped);
      return after(() => control.stepOver());
    },
    stepIn: () => {
      const control = requireAlive(state.stopped);
      return after(() => control.step());
    },
    stepOut: () => {
      // Throws before the response when there is no caller.
      const run = requireAlive(state.stopped).planStepOut();
      return after(run);
    },
  };
}
