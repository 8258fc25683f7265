import { EXCEPTION_FILTERS } from './capabilities.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

const NO_SOURCE_LINES = 'Source lines come in a later version; set a breakpoint on a function or an instruction';

export function breakpointRequests(
  state: SessionState,
): Handlers<'setBreakpoints' | 'setFunctionBreakpoints' | 'setInstructionBreakpoints' | 'setExceptionBreakpoints'> {
  return {
    setBreakpoints: ({ breakpoints = [] }) => ({
      breakpoints: breakpoints.map(({ line }) => ({ verified: false, line, message: NO_SOURCE_LINES })),
    }),
    setFunctionBreakpoints: ({ breakpoints }) => ({
      breakpoints: state.breakpoints.setFunctions(breakpoints.map(({ name }) => name)),
    }),
    setInstructionBreakpoints: ({ breakpoints }) => ({ breakpoints: state.breakpoints.setInstructions(breakpoints) }),
    setExceptionBreakpoints: ({ filters }) => {
      state.exceptionFilters = new Set([...filters, ...state.launched.configuration.exceptions]);
      state.breakpoints.setEveryHypercall(state.exceptionFilters.has('hypercall'));
      const known = new Set<string>(EXCEPTION_FILTERS.map(({ filter }) => filter));
      return { breakpoints: filters.map((filter) => ({ verified: known.has(filter) })) };
    },
  };
}
