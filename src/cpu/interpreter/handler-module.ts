import { conditionOf, FLAG_KINDS, flagImageOf, flagKindOf } from '../../isa/flags.ts';
import type { Value } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { FunctionBody } from '../../wasm/function-body.ts';
import { encodeModule, type DefinedFunction } from '../../wasm/module-encoder.ts';
import { recordWithFields, type InstructionForm } from '../instruction-form.ts';
import * as L from '../layout.ts';
import {
  FUNCTION_IMPORTS,
  FLAG_IMAGE,
  HANDLER_PARAMETERS,
  MEMORY_PAGES,
  SHARED_FUNCTION_IMPORTS,
  SLOW_MEMORY_IMPORTS,
  TYPE,
  TYPES,
} from '../lowering/functions.ts';
import { HandlerLowering } from './handler-lowering.ts';
import { hostBesideCode } from '../lowering/code-page-write.ts';
import { FlagLowering } from '../lowering/flag-lowering.ts';

/** Table indexes of the handlers that every machine has. */
export const FIXED_HANDLER = { unlinked: 0, stop: 1, breakpoint: 2, followLink: 3, bail: 4 } as const;
export const FIRST_FORM_HANDLER = 5;

/** Name of the custom section that lists the keys of a base module's runs, in the order of their handlers, as JSON. */
export const RUNS_SECTION = 'start-of-day.runs';

/** The module with the fixed handlers, the flag functions, `start(micro-op, budget)`, and handlers for `runs`. */
export function baseModule(runs: readonly (readonly InstructionForm[])[]): Uint8Array<ArrayBuffer> {
  const shared: DefinedFunction[] = SHARED_FUNCTION_IMPORTS.map(({ name, type }, n) => ({
    type,
    body: sharedFunction(n),
    exportName: name,
  }));
  const handlers = [
    handler((lowering) => lowering.leaveOnly(L.EXIT.unlinked)),
    handler((lowering) => lowering.leaveOnly(L.EXIT.stop)),
    handler((lowering) => lowering.leaveOnly(L.EXIT.breakpoint)),
    handler((lowering) => lowering.followLink()),
    handler((lowering) => lowering.leaveOnly(L.EXIT.bail)),
    ...runs.map(runHandler),
  ];
  return encodeModule({
    types: TYPES,
    imports: SLOW_MEMORY_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: [...shared, ...handlers, { type: TYPE.handler, body: startFunction(), exportName: 'start' }],
    elements: { offset: 0, functions: handlers.map((_, n) => shared.length + n) },
    customSection: { name: RUNS_SECTION, text: JSON.stringify(runs.map(runKey)) },
  });
}

/** A module with one handler for each run of forms, at `offset` of the table. */
export function formModule(runs: readonly (readonly InstructionForm[])[], offset: number): Uint8Array<ArrayBuffer> {
  return encodeModule({
    types: TYPES,
    imports: FUNCTION_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: runs.map(runHandler),
    elements: { offset, functions: runs.map((_, n) => n) },
  });
}

/** Names a run: one form, or a fused pair. */
export function runKey(run: readonly InstructionForm[]): string {
  return run.map((form) => form.key).join(' + ');
}

function runHandler(run: readonly InstructionForm[]): DefinedFunction {
  return handler((lowering) => lowering.instructions(run.map(recordWithFields)));
}

function handler(fill: (lowering: HandlerLowering) => void): DefinedFunction {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  fill(new HandlerLowering(body));
  return { type: TYPE.handler, body };
}

function startFunction(): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  body.get(0);
  body.get(1);
  body.get(0);
  body.load(32, L.MICRO_OP.handler);
  body.callIndirect(TYPE.handler);
  return body;
}

/** By its place in {@link SHARED_FUNCTION_IMPORTS}. */
function sharedFunction(number: number): FunctionBody {
  return number <= FLAG_IMAGE ? flagFunction(number) : hostBesideCode();
}

/** A flag expression reads the record in memory, and nothing else. */
class FlagFunctionLowering extends FlagLowering {
  result(value: Value): void {
    this.emit(value);
    this.code.return();
  }
  protected field(): never {
    throw internalError('a micro-op field in a flag expression');
  }
  protected readRegister(): never {
    throw internalError('a register in a flag expression');
  }
  protected addressRegister(): never {
    throw internalError('an address register in a flag expression');
  }
}

/** The even condition of a pair, or the image, for whatever kind of record is current. */
function flagFunction(number: number): FunctionBody {
  const body = new FunctionBody(0);
  const lowering = new FlagFunctionLowering(body);
  const kinds = FLAG_KINDS.length * 4;
  for (let n = 0; n < kinds; n++) body.block();
  body.i32(0);
  body.load(32, L.FLAG_KIND);
  body.branchTable(kinds);
  for (let n = 0; n < kinds; n++) {
    body.end();
    const { kind, width } = flagKindOf(n);
    lowering.result(number === FLAG_IMAGE ? flagImageOf(kind, width) : conditionOf(number * 2, kind, width));
  }
  body.unreachable();
  return body;
}
