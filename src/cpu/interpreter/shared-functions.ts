import { conditionOf, FLAG_KINDS, flagImageOf, flagKindOf } from '../../isa/flags.ts';
import type { Value } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { FunctionBody } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { hostBesideCode } from '../lowering/code-page-write.ts';
import { FlagLowering } from '../lowering/flag-lowering.ts';
import { FLAG_IMAGE, FUNCTION, HANDLER_PARAMETERS } from '../lowering/functions.ts';
import { stringPasses } from '../lowering/string-passes.ts';
import { HandlerLowering } from './handler-lowering.ts';

/** The body of a function of `SHARED_FUNCTION_IMPORTS`, by its place there. */
export function sharedFunction(number: number): FunctionBody {
  if (number <= FLAG_IMAGE) return flagFunction(number);
  switch (number + FUNCTION.flags) {
    case FUNCTION.bail:
      return leaving(L.EXIT.bail);
    case FUNCTION.outOfBudget:
      return leaving(L.EXIT.budget);
    case FUNCTION.copyPasses:
      return stringPasses(true);
    case FUNCTION.fillPasses:
      return stringPasses(false);
    default:
      return hostBesideCode();
  }
}

/** The body of a handler that only leaves for the driver. */
export function leaving(reason: number): FunctionBody {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  new HandlerLowering(body, false).leaveOnly(reason);
  return body;
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
