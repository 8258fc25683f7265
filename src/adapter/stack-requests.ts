import { callStack } from '../debugger/call-stack.ts';
import { memoryReference } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function stackRequests(state: SessionState): Handlers<'stackTrace'> {
  return {
    stackTrace: ({ startFrame = 0, levels = 0 }) => {
      const frames = callStack(state.stopped.inspection);
      const end = levels === 0 ? frames.length : startFrame + levels;
      return {
        stackFrames: frames.slice(startFrame, end).map(({ name, address }, index) => ({
          id: startFrame + index + 1,
          name,
          line: 0,
          column: 0,
          instructionPointerReference: memoryReference(address),
        })),
        totalFrames: frames.length,
      };
    },
  };
}
