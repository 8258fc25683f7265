import { catalogueForms } from '../form-catalogue.ts';
import { fuses } from './fusion.ts';
import { baseModule } from './handler-module.ts';

/** The interpreter with a handler for every common form and fused pair; made when the project is built. */
export function prebuildHandlers(): Uint8Array<ArrayBuffer> {
  const forms = catalogueForms();
  const pairs = forms
    .filter(({ width }) => width !== 16)
    .flatMap((first) =>
      forms.filter((second) => second.width === 32 && fuses(first, second)).map((second) => [first, second]),
    );
  return baseModule([...forms.map((form) => [form]), ...pairs]);
}
