import { explainTripleFault, faultChainNames } from '../debugger/fault-text.ts';
import { StartOfDayError } from '../util/errors.ts';
import { toErrorMessage } from './errors.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function exceptionRequests(state: SessionState): Handlers<'exceptionInfo'> {
  return {
    exceptionInfo: () => {
      const { inspection, control } = state.stopped;
      const { lastStop } = control;
      if (inspection.fatal.length > 0)
        return {
          exceptionId: 'triple fault (shutdown)',
          description: explainTripleFault(inspection.fatal, inspection.faultSurroundings()),
          breakMode: 'always',
          details: { message: faultChainNames(inspection.fatal) },
        };
      if (lastStop?.reason === 'machine')
        return { exceptionId: lastStop.stop.reason, description: lastStop.stop.description, breakMode: 'always' };
      if (lastStop?.reason === 'defect')
        return {
          exceptionId: 'defect',
          description: toErrorMessage(lastStop.error, true).format,
          breakMode: 'always',
        };
      throw new StartOfDayError({
        code: 'no-exception',
        blame: 'user',
        title: 'The machine has not stopped on an exception',
      });
    },
  };
}
