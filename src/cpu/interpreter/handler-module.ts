import { conditionOf, FLAG_KINDS, flagImageOf, flagKindOf } from '../../isa/flags.ts';
import type { Value } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { FunctionBody } from '../../wasm/function-body.ts';
import { encodeModule, type DefinedFunction } from '../../wasm/module-encoder.ts';
import { recordWithFields, type InstructionForm } from '../instruction-form.ts';
import * as L from '../layout.ts';
import { CONDITION_PAIRS, FLAG_FUNCTION_IMPORTS, FLAG_IMAGE, SLOW_MEMORY_IMPORTS, TYPE, TYPES } from './functions.ts';
import { HandlerLowering } from './handler-lowering.ts';
import { ValueLowering } from './value-lowering.ts';

/** Table indexes of the handlers that every machine has. */
export const FIXED_HANDLER = { unlinked: 0, stop: 1, breakpoint: 2, followLink: 3, bail: 4 } as const;
export const FIRST_FORM_HANDLER = 5;

const HANDLER_PARAMETERS = 2;
/** Largest memory a module accepts, in pages: all that 32 bits address. */
const MEMORY_PAGES = [1, 65536] as const;

/** The module with the fixed handlers, the flag functions, and `start(micro-op, budget)`. */
export function baseModule(): Uint8Array<ArrayBuffer> {
  const flags: DefinedFunction[] = FLAG_FUNCTION_IMPORTS.map(({ name, type }, n) => ({
    type,
    body: flagFunction(n),
    exportName: name,
  }));
  const handlers = [
    handler((lowering) => lowering.leaveOnly(L.EXIT.unlinked)),
    handler((lowering) => lowering.leaveOnly(L.EXIT.stop)),
    handler((lowering) => lowering.leaveOnly(L.EXIT.breakpoint)),
    handler((lowering) => lowering.followLink()),
    handler((lowering) => lowering.leaveOnly(L.EXIT.bail)),
  ];
  return encodeModule({
    types: TYPES,
    imports: SLOW_MEMORY_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: [...flags, ...handlers, { type: TYPE.handler, body: startFunction(), exportName: 'start' }],
    elements: { offset: 0, functions: handlers.map((_, n) => flags.length + n) },
  });
}

/** A module with one handler for each run of forms, at `offset` of the table. */
export function formModule(runs: readonly (readonly InstructionForm[])[], offset: number): Uint8Array<ArrayBuffer> {
  const functions = runs.map((run) => handler((lowering) => lowering.instructions(run.map(recordWithFields))));
  return encodeModule({
    types: TYPES,
    imports: [...SLOW_MEMORY_IMPORTS, ...FLAG_FUNCTION_IMPORTS],
    memoryPages: MEMORY_PAGES,
    functions,
    elements: { offset, functions: functions.map((_, n) => n) },
  });
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

/** A flag expression reads the record in memory, and nothing else. */
class FlagLowering extends ValueLowering {
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
  const lowering = new FlagLowering(body);
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

/** Names of the flag functions that the base module exports. */
export const FLAG_FUNCTION_NAMES: readonly string[] = FLAG_FUNCTION_IMPORTS.slice(0, CONDITION_PAIRS + 1).map(
  ({ name }) => name,
);
