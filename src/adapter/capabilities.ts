import type { DebugProtocol } from '@vscode/debugprotocol';

/** The exception filters of the Breakpoints view. */
export const EXCEPTION_FILTERS = [
  {
    filter: 'shutdown',
    label: 'Shutdown and triple fault',
    description: 'Stop when the machine shuts down, with the chain of faults that led there. Off: the session ends.',
    default: true,
  },
  {
    filter: 'hypercall',
    label: 'Hypercalls',
    description:
      'Stop before every hypercall. For one of them, add a function breakpoint such as "hypercall mmu_update".',
    default: false,
  },
] as const satisfies readonly DebugProtocol.ExceptionBreakpointsFilter[];

/** What the adapter can do: each entry has a test that names it, and a test holds the set. */
export const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsInstructionBreakpoints: true,
  supportsSteppingGranularity: true,
  supportsSetVariable: true,
  supportsEvaluateForHovers: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsDisassembleRequest: true,
  supportsExceptionInfoRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  exceptionBreakpointFilters: [...EXCEPTION_FILTERS],
};
