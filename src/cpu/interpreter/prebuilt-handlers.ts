import { catalogueForms } from '../form-catalogue.ts';
import { isCommon } from './common-forms.ts';
import { fuses } from './fusion.ts';
import { baseModule } from './handler-module.ts';
import { runsOf } from './handler-run.ts';

/** The interpreter with a handler for every common form and fused pair; made when the project is built. */
export function prebuildHandlers(): Uint8Array<ArrayBuffer> {
  const forms = catalogueForms();
  const pairs = forms.flatMap((first) =>
    forms
      .filter((second) => fuses(first, second))
      .map((second) => ({ forms: [first, second], completesMisses: false })),
  );
  const runs = [...forms.flatMap(runsOf), ...pairs];
  return baseModule(
    runs.filter(isCommon),
    runs.filter((run) => !isCommon(run)),
  );
}
