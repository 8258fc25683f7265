import { explainTripleFault, faultChainNames } from '../debugger/fault-text.ts';
import type { StopEvent } from '../debugger/run-control.ts';
import type { MachineStop } from '../machine/stop.ts';
import { toErrorMessage } from './errors.ts';
import type { SessionState } from './session-state.ts';

/** Tells the client about a stop of the debugger, or about the end of the session when the guest has ended it. */
export function describeStop(state: SessionState, event: StopEvent): void {
  switch (event.reason) {
    case 'entry':
      return state.stoppedEvent({ reason: 'entry', description: 'Stopped at the first instruction' });
    case 'step':
      return state.stoppedEvent({ reason: 'step', description: 'Stopped after a step' });
    case 'pause':
      return state.stoppedEvent({ reason: 'pause', description: 'Paused' });
    case 'breakpoint':
      return state.stoppedEvent({
        reason: state.breakpoints.reasonOf(event.breakpoints),
        description: 'Stopped at a breakpoint',
        hitBreakpointIds: event.breakpoints,
      });
    case 'machine':
      return describeMachineStop(state, event.stop);
    case 'defect':
      return state.stoppedEvent({
        reason: 'exception',
        description: 'Defect of Start of Day',
        text: toErrorMessage(event.error, true).format,
      });
  }
}

function describeMachineStop(state: SessionState, stop: MachineStop): void {
  if (state.launched.configuration.noDebug && stop.reason !== 'debug-exit') return end(state, stop);
  switch (stop.reason) {
    case 'triple-fault':
      state.debuggee.inspection.fatal = stop.chain ?? [];
      if (!state.exceptionFilters.has('shutdown')) return end(state, stop);
      explain(
        state,
        explainTripleFault(state.debuggee.inspection.fatal, state.debuggee.inspection.faultSurroundings()),
      );
      return state.stoppedEvent({
        reason: 'exception',
        description: 'Triple fault',
        text: faultChainNames(stop.chain ?? []),
      });
    case 'shutdown':
      if (!state.exceptionFilters.has('shutdown')) return end(state, stop);
      return state.stoppedEvent({ reason: 'exception', description: 'Shutdown', text: stop.description });
    case 'error':
      if (!state.exceptionFilters.has('shutdown')) return end(state, stop);
      return state.stoppedEvent({ reason: 'exception', description: 'Guest crashed', text: stop.description });
    case 'hypercall':
      return state.stoppedEvent({
        reason: 'function breakpoint',
        description: 'Before a hypercall',
        text: stop.description,
        hitBreakpointIds: state.breakpoints.onHypercall(stop.hypercall ?? ''),
      });
    case 'unimplemented':
      return state.stoppedEvent({ reason: 'exception', description: 'Not implemented', text: stop.description });
    case 'watchpoint':
      return state.stoppedEvent({ reason: 'data breakpoint', description: 'Watchpoint', text: stop.description });
    case 'debug-exit':
      return state.terminate(stop.exitCode ?? 0);
    case 'halt':
      return state.stoppedEvent({ reason: 'halt', description: 'Halted', text: stop.description });
    case 'max-instructions':
      // The limit is met once; whoever continues has read it.
      state.debuggee.control.maxInstructions = Infinity;
      return state.stoppedEvent({ reason: 'pause', description: 'Instruction limit', text: stop.description });
    case 'entry':
    case 'breakpoint':
    case 'yield':
      return state.stoppedEvent({ reason: 'pause', description: 'Paused' });
  }
}

/** A guest that can go no further, in a session that does not want to look at it. */
function end(state: SessionState, stop: MachineStop): void {
  state.send('output', { category: 'important', output: `${stop.description}\n` });
  state.terminate(stop.reason === 'halt' || stop.reason === 'max-instructions' ? 0 : 1);
}

/**
 * Writes an explanation to the console, for clients that do not show `exceptionInfo`: VS Code has no place for it in a frame without
 * source. `important` would make a notification of it besides.
 */
function explain(state: SessionState, text: string): void {
  state.send('output', { category: 'stderr', output: `${text}\n` });
}
