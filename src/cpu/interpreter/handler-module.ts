import { FunctionBody } from '../../wasm/function-body.ts';
import { encodeModule, type DefinedFunction } from '../../wasm/module-encoder.ts';
import { recordWithFields } from '../instruction-form.ts';
import * as L from '../layout.ts';
import {
  FUNCTION_IMPORTS,
  HANDLER_PARAMETERS,
  MEMORY_PAGES,
  SHARED_FUNCTION_IMPORTS,
  SLOW_MEMORY_IMPORTS,
  TYPE,
  TYPES,
} from '../lowering/functions.ts';
import { dispatchLoop } from './dispatch-loop.ts';
import { HandlerLowering } from './handler-lowering.ts';
import { runKey, type HandlerRun } from './handler-run.ts';
import { leaving, sharedFunction } from './shared-functions.ts';

/** Table indexes of the handlers that every machine has. */
export const FIXED_HANDLER = { unlinked: 0, stop: 1, breakpoint: 2, followLink: 3, bail: 4 } as const;
export const FIRST_FORM_HANDLER = 5;

/** Name of the custom section that lists the keys of a base module's runs, in the order of their handlers, as JSON. */
export const RUNS_SECTION = 'start-of-day.runs';

/**
 * The module with the fixed handlers, the flag functions, `start(micro-op, budget)`, and handlers for runs: those that are `inLoop`
 * as one function, the `others` as one each.
 */
export function baseModule(inLoop: readonly HandlerRun[], others: readonly HandlerRun[]): Uint8Array<ArrayBuffer> {
  const shared: DefinedFunction[] = SHARED_FUNCTION_IMPORTS.map(({ name, type }, n) => ({
    type,
    body: sharedFunction(n),
    exportName: name,
  }));
  const handlers = [
    ...[leaving(L.EXIT.unlinked), leaving(L.EXIT.stop), leaving(L.EXIT.breakpoint), followLink(), leaving(L.EXIT.bail)],
    ...others.map(runHandler),
  ].map(handler);
  const loop = shared.length + handlers.length;
  const indexes = handlers.map((_, n) => shared.length + n);
  return encodeModule({
    types: TYPES,
    imports: SLOW_MEMORY_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: [
      ...shared,
      ...handlers,
      handler(dispatchLoop(inLoop, FIRST_FORM_HANDLER)),
      { type: TYPE.handler, body: startFunction(), exportName: 'start' },
    ],
    elements: {
      offset: 0,
      functions: [
        ...indexes.slice(0, FIRST_FORM_HANDLER),
        ...inLoop.map(() => loop),
        ...indexes.slice(FIRST_FORM_HANDLER),
      ],
    },
    customSection: { name: RUNS_SECTION, text: JSON.stringify([...inLoop, ...others].map(runKey)) },
  });
}

/** A module with one handler for each run, at `offset` of the table. */
export function formModule(runs: readonly HandlerRun[], offset: number): Uint8Array<ArrayBuffer> {
  return encodeModule({
    types: TYPES,
    imports: FUNCTION_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: runs.map(runHandler).map(handler),
    elements: { offset, functions: runs.map((_, n) => n) },
  });
}

const handler = (body: FunctionBody): DefinedFunction => ({ type: TYPE.handler, body });

function runHandler({ forms, completesMisses }: HandlerRun): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  new HandlerLowering(body, completesMisses).instructions(forms.map(recordWithFields));
  return body;
}

function followLink(): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  new HandlerLowering(body, false).followLink();
  return body;
}

function startFunction(): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  body.get(0);
  body.get(1);
  body.get(0);
  body.load(16, L.MICRO_OP.handler);
  body.callIndirect(TYPE.handler);
  return body;
}
