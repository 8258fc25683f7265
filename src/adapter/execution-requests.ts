import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

/** The only thread: the processor. */
const THREAD = { id: 1, name: 'CPU 0' };

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
      const { control, inspection } = state.stopped;
      // After a shutdown there is nothing to go on with: the run is over.
      if (inspection.fatal.length > 0) after(() => state.terminate(1));
      else after(() => control.continue());
      return { allThreadsContinued: true };
    },
    pause: () => {
      const { control } = state.debuggee;
      return after(() => control.pause());
    },
    next: () => {
      const { control } = state.stopped;
      return after(() => control.stepOver());
    },
    stepIn: () => {
      const { control } = state.stopped;
      return after(() => control.step());
    },
    stepOut: () => {
      // Throws before the response when there is no caller.
      const run = state.stopped.control.planStepOut();
      return after(run);
    },
  };
}
