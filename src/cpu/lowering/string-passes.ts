import { FunctionBody, I32, type NumericOperation } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';

const PAGE = 0x1000;
const DIRECTION = 0x400;
const WIDTHS = [8, 16, 32] as const;

/**
 * `copyPasses(count, source, destination, budget, log2 bytes)`, and `fillPasses` with a value in the place of the source: makes passes of
 * REP MOVS or STOS with flat segments and returns how many. They end in front of the last one, with the budget, and with the page that
 * source or destination lie in; there are none where a TLB misses (devices, watched pages, pages with code) or DF is set.
 */
export function stringPasses(copies: boolean): FunctionBody {
  const [count, source, destination, budget, log2] = [0, 1, 2, 3, 4];
  const body = new FunctionBody(5);
  const made = body.local(I32);
  const end = body.local(I32);
  const binary = (a: number, operation: NumericOperation, b: number): void => {
    body.get(a);
    body.get(b);
    body.numeric(operation);
  };
  /** The lesser of the local and the top of the stack. */
  const limit = (): void => {
    body.set(end);
    body.get(made);
    body.get(end);
    binary(made, 'ltu', end);
    body.select();
    body.set(made);
  };
  const leaveIf = (): void => {
    body.if();
    body.i32(0);
    body.return();
    body.end();
  };
  /** Replaces a linear address by that in memory; passes end with its page. */
  const find = (address: number, table: number): void => {
    body.i32(PAGE);
    body.get(address);
    body.i32(PAGE - 1);
    body.numeric('and');
    body.numeric('sub');
    body.get(log2);
    body.numeric('shr');
    limit();
    body.get(address);
    body.i32(12);
    body.numeric('shr');
    body.i32(2);
    body.numeric('shl');
    body.load(32, table);
    body.tee(end);
    body.i32(PAGE - 1);
    body.numeric('and');
    leaveIf();
    binary(address, 'xor', end);
    body.set(address);
  };

  body.i32(0);
  body.load(32, L.EFLAGS);
  body.i32(DIRECTION);
  body.numeric('and');
  body.get(count);
  body.numeric('eqz');
  body.numeric('or');
  body.get(budget);
  body.i32(1);
  body.numeric('lts');
  body.numeric('or');
  leaveIf();
  body.get(count);
  body.i32(1);
  body.numeric('sub');
  body.set(made);
  body.get(budget);
  limit();
  find(destination, L.TLB_WRITE);
  if (copies) find(source, L.TLB_READ);
  body.get(made);
  body.numeric('eqz');
  leaveIf();
  body.get(destination);
  binary(made, 'shl', log2);
  body.numeric('add');
  body.set(end);
  for (const [n, width] of WIDTHS.entries()) {
    body.get(log2);
    body.i32(n);
    body.numeric('eq');
    body.if();
    const again = body.loop();
    body.get(destination);
    body.get(source);
    if (copies) body.load(width, 0);
    body.store(width, 0);
    for (const address of copies ? [source, destination] : [destination]) {
      body.get(address);
      body.i32(width / 8);
      body.numeric('add');
      body.set(address);
    }
    binary(destination, 'ne', end);
    body.branchIf(again);
    body.end();
    body.end();
  }
  body.get(made);
  body.return();
  return body;
}
