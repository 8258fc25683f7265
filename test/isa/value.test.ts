import assert from 'node:assert/strict';
import { evaluatePure } from '../../src/cpu/pure-evaluation.ts';
import {
  constant,
  select,
  Value,
  type BinaryOperator,
  type Comparison,
  type UnaryOperator,
  type Width,
} from '../../src/isa/value.ts';
import { Random } from '../support/random.ts';

const WIDTHS: readonly Width[] = [1, 8, 16, 32, 64];
const NO_FLAGS = { flagSlot: (): bigint => 0n };

/** What the operators mean, written from their names alone; counts are below the width. */
const BINARY: Readonly<Record<BinaryOperator, (a: bigint, b: bigint, width: Width) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b) => a * 2n ** b,
  shr: (a, b) => a / 2n ** b,
  sar: (a, b, width) => (BigInt.asIntN(width, a) - (BigInt.asIntN(width, a) & (2n ** b - 1n))) / 2n ** b,
  rotl: (a, b, width) => a * 2n ** b + a / 2n ** (BigInt(width) - b),
  divu: (a, b) => a / b,
  remu: (a, b) => a % b,
  divs: (a, b, width) => BigInt.asIntN(width, a) / BigInt.asIntN(width, b),
  rems: (a, b, width) => BigInt.asIntN(width, a) % BigInt.asIntN(width, b),
};
const COMPARISONS: Readonly<Record<Comparison, (a: bigint, b: bigint, width: Width) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  ltu: (a, b) => a < b,
  leu: (a, b) => a <= b,
  lts: (a, b, width) => BigInt.asIntN(width, a) < BigInt.asIntN(width, b),
  les: (a, b, width) => BigInt.asIntN(width, a) <= BigInt.asIntN(width, b),
};
const COUNTED: ReadonlySet<string> = new Set(['shl', 'shr', 'sar', 'rotl']);
const DIVISION = /^(div|rem)/;

/** A value that nothing folds, with a meaning for the evaluation. */
class Unknowns {
  private readonly values = new Map<Value, bigint>();

  make(width: Width, value: bigint): Value {
    const unknown = new Value(width, { kind: 'register', register: { index: 0, high: false } });
    this.values.set(unknown, value);
    return unknown;
  }
  evaluate(value: Value): bigint {
    return evaluatePure(value, NO_FLAGS, (leaf) => {
      const known = this.values.get(leaf);
      assert.ok(known !== undefined);
      return known;
    });
  }
}

/** Values at the edges of the width, and some between. */
function samples(width: Width, random: Random): bigint[] {
  const top = 1n << BigInt(width - 1);
  const between = Array.from({ length: 6 }, () => (BigInt(random.word()) << 32n) | BigInt(random.word()));
  return [0n, 1n, 2n, 3n, top - 1n, top, top + 1n, -2n, -1n, ...between].map((value) => BigInt.asUintN(width, value));
}

describe('values of the IR', () => {
  const random = new Random(11);

  for (const width of WIDTHS) {
    it(`mean the same folded, half folded and evaluated, ${width} bits`, () => {
      const numbers = samples(width, random);
      for (const [operator, meaning] of Object.entries(BINARY) as [BinaryOperator, (typeof BINARY)['add']][]) {
        for (const a of numbers) {
          for (const given of numbers) {
            const b = COUNTED.has(operator) ? given % BigInt(width) : given;
            if (DIVISION.test(operator) && b === 0n) continue;
            const unknowns = new Unknowns();
            const expected = BigInt.asUintN(width, meaning(a, b, width));
            const [x, y] = [unknowns.make(width, a), unknowns.make(width, b)];
            const label = `${a} ${operator} ${b}`;
            assert.equal(constant(width, a)[operator](constant(width, b)).constant, expected, label);
            assert.equal(unknowns.evaluate(x[operator](y)), expected, `${label}, unfolded`);
            assert.equal(unknowns.evaluate(constant(width, a)[operator](y)), expected, `${label}, known left`);
            assert.equal(unknowns.evaluate(x[operator](constant(width, b))), expected, `${label}, known right`);
          }
        }
      }
    });

    it(`compare the same, ${width} bits`, () => {
      const numbers = samples(width, random);
      for (const [operator, meaning] of Object.entries(COMPARISONS) as [Comparison, (typeof COMPARISONS)['eq']][]) {
        for (const a of numbers) {
          for (const b of numbers) {
            const unknowns = new Unknowns();
            const expected = meaning(a, b, width) ? 1n : 0n;
            const x = unknowns.make(width, a);
            assert.equal(constant(width, a)[operator](constant(width, b)).constant, expected);
            assert.equal(unknowns.evaluate(x[operator](unknowns.make(width, b))), expected);
            assert.equal(unknowns.evaluate(x[operator](constant(width, b))), expected, `${a} ${operator} ${b}`);
          }
        }
      }
    });

    it(`count bits and extend, ${width} bits`, () => {
      for (const a of samples(width, random)) {
        const unknowns = new Unknowns();
        const x = unknowns.make(width, a);
        const text = a.toString(2).padStart(width, '0');
        const counts: Readonly<Record<Exclude<UnaryOperator, 'popcnt'>, number>> = {
          clz: text.length - text.replace(/^0+/, '').length,
          ctz: text.length - text.replace(/0+$/, '').length,
        };
        if (width > 1) {
          assert.equal(unknowns.evaluate(x.leadingZeros()), BigInt(counts.clz));
          assert.equal(unknowns.evaluate(x.trailingZeros()), BigInt(counts.ctz));
          assert.equal(constant(width, a).trailingZeros().constant, BigInt(counts.ctz));
        }
        if (width >= 8) {
          const ones = text.slice(-8).replaceAll('0', '').length;
          assert.equal(unknowns.evaluate(x.parity()), ones % 2 === 0 ? 1n : 0n);
        }
        assert.equal(unknowns.evaluate(x.msb()), a >> BigInt(width - 1));
        assert.equal(unknowns.evaluate(x.not()), BigInt.asUintN(width, ~a));
        assert.equal(unknowns.evaluate(x.negate()), BigInt.asUintN(width, -a));
        for (const other of WIDTHS) {
          const expected = BigInt.asUintN(other, a);
          assert.equal(unknowns.evaluate(x.resize(other)), expected);
          assert.equal(constant(width, a).resize(other).constant, expected);
          if (other < width) continue;
          const signed = BigInt.asUintN(other, BigInt.asIntN(width, a));
          assert.equal(unknowns.evaluate(x.signExtend(other)), signed);
          assert.equal(constant(width, a).signExtend(other).constant, signed);
        }
      }
    });
  }

  it('select folds a known condition and evaluates an unknown one', () => {
    const unknowns = new Unknowns();
    const [a, b] = [unknowns.make(8, 5n), unknowns.make(8, 6n)];
    assert.equal(select(constant(1, 1), a, b), a);
    assert.equal(select(constant(1, 0), a, b), b);
    assert.equal(unknowns.evaluate(select(unknowns.make(1, 0n) as Value<1>, a, b)), 6n);
  });

  it('operations without effect leave the value itself', () => {
    const x = new Unknowns().make(32, 5n);
    for (const same of [x.add(0), x.sub(0), x.or(0), x.xor(0), x.shl(0), x.shr(0), x.sar(0), x.rotl(0), x.and(-1)])
      assert.equal(same, x);
    assert.equal(x.mul(0).constant, 0n);
    assert.equal(x.and(0).constant, 0n);
    assert.equal(x.resize(32), x);
  });

  it('does not fold a division by zero: a guard raises #DE before', () => {
    assert.equal(constant(32, 5).divu(0).constant, undefined);
  });

  it('refuses operands of different widths', () => {
    assert.throws(() => constant(32, 1).add(constant(16, 1) as unknown as Value<32>), /operands of 32 and 16 bits/);
  });
});
