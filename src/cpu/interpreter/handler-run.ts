import type { InstructionForm } from '../instruction-form.ts';

/** What a handler runs. */
export interface HandlerRun {
  /** One form, or more that follow each other. */
  readonly forms: readonly InstructionForm[];
  /** Completes accesses that miss the TLBs; the others leave such an instruction to the handler that does. */
  readonly completesMisses: boolean;
}

/** The handlers of a form: one for each way it may be run alone. */
export function runsOf(form: InstructionForm): HandlerRun[] {
  const run = { forms: [form], completesMisses: false };
  return form.accessesMemory ? [run, { ...run, completesMisses: true }] : [run];
}

/** Names a run. */
export function runKey({ forms, completesMisses }: HandlerRun): string {
  return forms.map((form) => form.key).join(' + ') + (completesMisses ? ' misses' : '');
}
