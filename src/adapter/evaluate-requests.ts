import { typeName } from '../debugger/expression/types.ts';
import { valueText } from '../debugger/value-text.ts';
import { memoryReference } from './addresses.ts';
import { runCommand } from './repl-commands.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function evaluateRequests(state: SessionState): Handlers<'evaluate'> {
  return {
    evaluate: ({ expression, context }) => {
      const { inspection } = state.stopped;
      if (context === 'repl') {
        const output = runCommand(expression, state.stopped);
        if (output !== undefined) return { result: output, variablesReference: 0 };
      }
      const value = inspection.evaluate(expression);
      const address = value.address ?? value.value;
      return {
        result: valueText(inspection, value),
        type: typeName(value.type),
        variablesReference: 0,
        memoryReference: memoryReference(BigInt.asUintN(32, address)),
      };
    },
  };
}
