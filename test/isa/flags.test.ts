import assert from 'node:assert/strict';
import { evaluatePure } from '../../src/cpu/pure-evaluation.ts';
import {
  conditionOf,
  FLAG_BIT,
  FLAG_KINDS,
  flagImageOf,
  flagKindCode,
  flagKindOf,
  flagOf,
  STATUS_FLAGS,
  type FlagKind,
} from '../../src/isa/flags.ts';
import type { Width } from '../../src/isa/value.ts';

interface Sample {
  readonly kind: FlagKind;
  readonly a: number;
  readonly b: number;
  readonly carry: number;
}

/** EFLAGS after an 8-bit operation, by the definitions of SDM 1, 3.4.3.1, on plain numbers. */
function expectedFlags({ kind, a, b, carry }: Sample): { readonly result: number; readonly image: number } {
  const subtracts = kind === 'sub' || kind === 'sbb' || kind === 'dec';
  const second = kind === 'inc' || kind === 'dec' ? 1 : b;
  const carryIn = kind === 'adc' || kind === 'sbb' ? carry : 0;
  const signed = (value: number): number => (value << 24) >> 24;
  const exact = subtracts ? a - second - carryIn : a + second + carryIn;
  const nibble = subtracts ? (a & 15) - (second & 15) - carryIn : (a & 15) + (second & 15) + carryIn;
  const exactSigned = subtracts ? signed(a) - signed(second) - carryIn : signed(a) + signed(second) + carryIn;
  const result = kind === 'logic' ? a & b : exact & 0xff;
  let [carryOut, auxiliary, overflow] = [
    exact < 0 || exact > 255,
    nibble < 0 || nibble > 15,
    exactSigned !== signed(result),
  ];
  if (kind === 'inc' || kind === 'dec') carryOut = carry === 1;
  if (kind === 'logic') [carryOut, auxiliary, overflow] = [false, false, false];
  const ones = result.toString(2).replaceAll('0', '').length;
  const bits: readonly (readonly [keyof typeof FLAG_BIT, boolean])[] = [
    ['c', carryOut],
    ['p', ones % 2 === 0],
    ['a', auxiliary],
    ['z', result === 0],
    ['s', result > 127],
    ['o', overflow],
  ];
  const image = bits.reduce((sum, [flag, set]) => sum | (set ? 1 << FLAG_BIT[flag] : 0), 0);
  return { result, image };
}

/** The record that an instruction of the kind leaves. */
function slotsOf({ kind, a, b, carry }: Sample, result: number): { flagSlot(slot: 'a' | 'b' | 'result'): bigint } {
  const second = kind === 'inc' || kind === 'dec' ? carry : b;
  return { flagSlot: (slot) => BigInt(slot === 'a' ? a : slot === 'b' ? second : result) };
}

/** Condition codes 0 to 15 from an EFLAGS image (SDM 2, appendix B, table B-10). */
function conditionHolds(code: number, image: number): boolean {
  const flag = (name: keyof typeof FLAG_BIT): boolean => ((image >> FLAG_BIT[name]) & 1) === 1;
  const even = [
    flag('o'),
    flag('c'),
    flag('z'),
    flag('c') || flag('z'),
    flag('s'),
    flag('p'),
    flag('s') !== flag('o'),
    flag('z') || flag('s') !== flag('o'),
  ][code >> 1];
  return even !== ((code & 1) === 1);
}

describe('lazy flags', () => {
  const numbers = Array.from({ length: 256 }, (_, n) => n);
  const edges = [0, 1, 2, 7, 8, 15, 16, 0x55, 0x7f, 0x80, 0x81, 0xf0, 0xfe, 0xff];

  for (const kind of ['add', 'sub', 'adc', 'sbb', 'inc', 'dec', 'logic'] as const) {
    it(`${kind}: every flag and condition as the SDM defines them`, function () {
      this.timeout(20_000);
      const image = flagImageOf(kind, 8);
      const flags = (['c', 'p', 'a', 'z', 's', 'o'] as const).map((name) => [name, flagOf(name, kind, 8)] as const);
      const conditions = Array.from({ length: 16 }, (_, code) => conditionOf(code, kind, 8));
      const seconds = kind === 'inc' || kind === 'dec' ? [0] : edges;
      for (const a of numbers) {
        for (const b of seconds) {
          for (const carry of [0, 1]) {
            const sample = { kind, a, b, carry };
            const expected = expectedFlags(sample);
            const slots = slotsOf(sample, expected.result);
            const label = JSON.stringify(sample);
            assert.equal(Number(evaluatePure(image, slots)), expected.image, label);
            if (!edges.includes(a)) continue;
            for (const [name, value] of flags)
              assert.equal(
                Number(evaluatePure(value, slots)),
                (expected.image >> FLAG_BIT[name]) & 1,
                `${name} ${label}`,
              );
            conditions.forEach((value, code) =>
              assert.equal(evaluatePure(value, slots) === 1n, conditionHolds(code, expected.image), `${code} ${label}`),
            );
          }
        }
      }
    });
  }

  it('image and bits: what was put in comes out', () => {
    for (const word of [0, STATUS_FLAGS, 0x801, 0x54, 0x10, 0x84]) {
      const slots = (result: bigint): { flagSlot(slot: string): bigint } => ({
        flagSlot: (slot) => (slot === 'a' ? BigInt(word) : result),
      });
      assert.equal(Number(evaluatePure(flagImageOf('image', 32), slots(0n))), word);
      // Of a result 0: zero and even parity; carry, auxiliary and overflow from the word.
      assert.equal(Number(evaluatePure(flagImageOf('bits', 16), slots(0n))), (word & 0x811) | 0x44);
      assert.equal(Number(evaluatePure(flagImageOf('bits', 16), slots(0x8001n))), (word & 0x811) | 0x80);
      for (let code = 0; code < 16; code++)
        assert.equal(evaluatePure(conditionOf(code, 'image', 32), slots(0n)) === 1n, conditionHolds(code, word));
    }
  });

  it('packs kind and width', () => {
    for (const kind of FLAG_KINDS)
      for (const width of [8, 16, 32, 64] as readonly Width[])
        assert.deepEqual(flagKindOf(flagKindCode(kind, width)), { kind, width });
  });
});
