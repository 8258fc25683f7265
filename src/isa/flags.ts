/**
 * Lazy flags as IR: an instruction records what it computed, and what each flag is follows from the kind of record.
 * The only place that knows; the interpreter and the evaluator read the same text (SDM 1, 3.4.3.1).
 */
import { constant, Value, type FlagName, type Width } from './value.ts';

export const FLAG_KINDS = ['add', 'sub', 'logic', 'inc', 'dec', 'adc', 'sbb', 'bits', 'image'] as const;

/**
 * `add` to `sbb`: operands a and b, result r. `inc` and `dec` keep the old carry in b. `bits`: carry and overflow explicit
 * (an EFLAGS word in a), zero, sign and parity from r. `image`: all six from the EFLAGS word in a.
 */
export type FlagKind = (typeof FLAG_KINDS)[number];

/** Kind and width packed as the machine's flag record keeps them. */
export function flagKindCode(kind: FlagKind, width: Width): number {
  return FLAG_KINDS.indexOf(kind) * 4 + Math.log2(width / 8);
}

/** The kind and width of a packed code. */
export function flagKindOf(code: number): { readonly kind: FlagKind; readonly width: Width } {
  return { kind: FLAG_KINDS[code >> 2] ?? 'image', width: (8 << (code & 3)) as Width };
}

/** Bit number of each status flag in EFLAGS. */
export const FLAG_BIT = { c: 0, p: 2, a: 4, z: 6, s: 7, o: 11, d: 10 } as const;

/** CF, PF, AF, ZF, SF and OF: the flags that live in the lazy record. */
export const STATUS_FLAGS = 0x8d5;

type StatusFlag = Exclude<FlagName, 'd'>;

function slot(name: 'a' | 'b' | 'result', kind: FlagKind, width: Width): Value {
  const word = name === 'a' && (kind === 'bits' || kind === 'image');
  return new Value(word ? 32 : width, { kind: 'flag-slot', slot: name });
}

/** One status flag, given what the current record holds. */
export function flagOf(flag: StatusFlag, kind: FlagKind, width: Width): Value<1> {
  const a = slot('a', kind, width);
  const b = slot('b', kind, width);
  const r = slot('result', kind, width);
  if (kind === 'image' || (kind === 'bits' && (flag === 'c' || flag === 'o' || flag === 'a')))
    return a.bit(FLAG_BIT[flag]);
  switch (flag) {
    case 'z':
      return r.eq(0);
    case 's':
      return r.msb();
    case 'p':
      return r.parity();
    case 'c':
      return carryOf(kind, a, b, r);
    case 'o':
      return overflowOf(kind, width, a, b, r);
    case 'a':
      if (kind === 'inc') return r.and(15).eq(0);
      if (kind === 'dec') return r.and(15).eq(15);
      if (kind === 'logic') return constant(1, 0);
      return a.xor(b).xor(r).bit(4);
  }
}

function carryOf(kind: FlagKind, a: Value, b: Value, r: Value): Value<1> {
  switch (kind) {
    case 'add':
      return r.ltu(a);
    case 'sub':
      return a.ltu(b);
    case 'adc':
      return a.and(b).or(a.or(b).and(r.not())).msb();
    case 'sbb':
      return a.not().and(b).or(a.xor(b).not().and(r)).msb();
    case 'inc':
    case 'dec':
      return b.truncate(1);
    default:
      return constant(1, 0);
  }
}

function overflowOf(kind: FlagKind, width: Width, a: Value, b: Value, r: Value): Value<1> {
  switch (kind) {
    case 'add':
    case 'adc':
      return a.xor(r).and(b.xor(r)).msb();
    case 'sub':
    case 'sbb':
      return a.xor(b).and(a.xor(r)).msb();
    case 'inc':
      return r.eq(r.like(1n << BigInt(width - 1)));
    case 'dec':
      return r.eq(r.like((1n << BigInt(width - 1)) - 1n));
    default:
      return constant(1, 0);
  }
}

/** Condition code 0 to 15 in encoding order (O NO B AE E NE BE A S NS P NP L GE LE G); a compare becomes one comparison. */
export function conditionOf(code: number, kind: FlagKind, width: Width): Value<1> {
  const flag = (name: StatusFlag): Value<1> => flagOf(name, kind, width);
  const a = slot('a', kind, width);
  const b = slot('b', kind, width);
  const r = slot('result', kind, width);
  const even = (): Value<1> => {
    switch (code >> 1) {
      case 0:
        return flag('o');
      case 1:
        return flag('c');
      case 2:
        return flag('z');
      case 3:
        return kind === 'sub' ? a.leu(b) : flag('c').or(flag('z'));
      case 4:
        return flag('s');
      case 5:
        return flag('p');
      case 6:
        if (kind === 'sub') return a.lts(b);
        return kind === 'logic' ? flag('s') : flag('s').xor(flag('o'));
      default:
        if (kind === 'sub') return a.les(b);
        return kind === 'logic' ? r.les(0) : flag('z').or(flag('s').xor(flag('o')));
    }
  };
  return (code & 1) !== 0 ? even().logicalNot() : even();
}

/** The six status flags as an EFLAGS word; the other bits are 0. */
export function flagImageOf(kind: FlagKind, width: Width): Value<32> {
  if (kind === 'image') return new Value<32>(32, { kind: 'flag-slot', slot: 'a' });
  const names = ['c', 'p', 'a', 'z', 's', 'o'] as const;
  return names
    .map((name) => flagOf(name, kind, width).zeroExtend(32).shl(FLAG_BIT[name]))
    .reduce((image, bit) => image.or(bit));
}
