import { FunctionBody, I32 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';

const PAGE = 0x1000;

/** `hostBesideCode(linear, bytes)`: see {@link pushHostBesideCode}. */
export function hostBesideCode(): FunctionBody {
  const [linear, bytes] = [0, 1];
  const body = new FunctionBody(2);
  const entry = body.local(I32);
  body.get(linear);
  body.i32(12);
  body.numeric('shr');
  body.i32(2);
  body.numeric('shl');
  body.load(32, L.TLB_WRITE);
  body.set(entry);
  pushHostBesideCode(body, linear, entry, () => body.get(bytes));
  return body;
}

/**
 * Pushes where a write goes that missed the write TLB: its address in memory when it lies inside a page with code but in lines without,
 * else 0. `linear` and `entry` are locals.
 */
export function pushHostBesideCode(body: FunctionBody, linear: number, entry: number, bytes: () => void): void {
  const host = body.temporary(I32);
  body.get(entry);
  body.i32(PAGE - 1);
  body.numeric('and');
  body.i32(L.TLB_CODE_PAGE);
  body.numeric('eq');
  body.get(entry);
  body.i32(-1);
  body.numeric('ne');
  body.numeric('and');
  body.get(linear);
  body.i32(PAGE - 1);
  body.numeric('and');
  bytes();
  body.numeric('add');
  body.i32(PAGE);
  body.numeric('leu');
  body.numeric('and');
  body.if(I32);
  body.get(linear);
  body.get(entry);
  body.i32(-PAGE);
  body.numeric('and');
  body.numeric('xor');
  body.tee(host);
  body.i32(0);
  pushLineFlag(body, () => body.get(host));
  pushLineFlag(body, () => {
    body.get(host);
    bytes();
    body.numeric('add');
    body.i32(1);
    body.numeric('sub');
  });
  body.numeric('or');
  body.numeric('eqz');
  body.select();
  body.else();
  body.i32(0);
  body.end();
}

/**
 * Keeps in `host` where a write goes that missed the write TLB: inside one line, that holds no code, of a page with code. Leaves by `leave`
 * otherwise. `host`, `linear` and `entry` are locals.
 */
export function hostInOneLineBesideCode(
  body: FunctionBody,
  host: number,
  linear: number,
  entry: number,
  bytes: number,
  leave: () => void,
): void {
  const line = 1 << L.CODE_LINE_SHIFT;
  // What does not reach into the next line missed because of the entry: it is -1, or says that there is code.
  body.get(entry);
  body.i32(-1);
  body.numeric('eq');
  body.get(linear);
  body.i32(line - 1);
  body.numeric('and');
  body.i32(line - bytes);
  body.numeric('gtu');
  body.numeric('or');
  body.if();
  leave();
  body.end();
  body.get(linear);
  body.get(entry);
  body.numeric('xor');
  body.i32(L.TLB_CODE_PAGE);
  body.numeric('xor');
  body.set(host);
  pushLineFlag(body, () => body.get(host));
  body.if();
  leave();
  body.end();
}

/** Pushes whether the line at an address in memory holds code. */
function pushLineFlag(body: FunctionBody, address: () => void): void {
  address();
  body.i32(L.CODE_LINE_SHIFT);
  body.numeric('shr');
  body.i32(0);
  body.load(32, L.CODE_LINES);
  body.numeric('add');
  body.load(8, 0);
}
