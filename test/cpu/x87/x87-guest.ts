import assert from 'node:assert/strict';
import type { Extended } from '../../../src/cpu/floating-point/extended.ts';
import { RAM } from '../../../src/cpu/layout.ts';
import { PLACE, type Guest } from '../../support/cpu-harness.ts';
import { DATA_SIZE, type HostOutput } from './host-x87.ts';
import type { X87Instance } from './random-x87.ts';

const STATUS_FLAGS = 0x8d5;
const AX = 0;
const BX = 3;
export const TRANSCENDENTAL = /^F(sin|cos|sincos|ptan|patan|2xm1|yl2x|yl2xp1)$/;
const C1 = 0x200;

/** Highest and lowest unbiased exponent of the plain numbers that an instruction is tried with. */
export function exponentsOf(name: string): readonly [number, number] {
  return name === 'Fyl2xp1' || name === 'F2xm1' ? [-70, -3] : [-70, 70];
}

/** Runs an instance on the machine. */
export function runHere(guest: Guest, { x87: image, eflags, code, data }: X87Instance): HostOutput {
  const { cpu } = guest;
  const { state } = cpu;
  const { x87 } = state;
  guest.writeBytes(PLACE.code, code);
  cpu.stateChanged();
  state.ip = PLACE.code;
  state.eflags = eflags;
  state.setRegister32(AX, 0x12345678);
  state.setRegister32(BX, PLACE.data);
  guest.writeBytes(PLACE.data, data);
  x87.control = image.control;
  x87.status = image.status;
  x87.tagWord = image.tags;
  image.registers.forEach((value, n) => x87.setPhysical((x87.top + n) & 7, value));
  assert.deepEqual(guest.run(1), { kind: 'budget' });
  assert.equal(state.ip, PLACE.code + code.length);
  return {
    x87: {
      control: x87.control,
      status: x87.status,
      tags: x87.tagWord,
      registers: Array.from({ length: 8 }, (_, n) => x87.register(n)),
    },
    eflags: state.eflags,
    eax: state.register32(AX),
    data: state.bytes.slice(RAM + PLACE.data, RAM + PLACE.data + DATA_SIZE),
  };
}

const hexOf = ({ signExponent, significand }: Extended): string =>
  `${signExponent.toString(16).padStart(4, '0')}:${significand.toString(16).padStart(16, '0')}`;

/** What is compared, as text. Pointers in a stored environment are this computer's, and not compared. */
function comparable(name: string, { x87, eflags, eax, data }: HostOutput, mask: number): Record<string, unknown> {
  const bytes = Buffer.from(data);
  if (/m(28|108)byte/.test(name)) bytes.fill(0, 12, 28);
  if (/m(14|94)byte/.test(name)) bytes.fill(0, 6, 14);
  return {
    control: x87.control.toString(16),
    status: (x87.status & mask).toString(16),
    tags: x87.tags.toString(16),
    registers: x87.registers.map(hexOf),
    eflags: (eflags & STATUS_FLAGS).toString(16),
    eax: eax.toString(16),
    data: bytes.toString('hex'),
  };
}

function describeInput({ text, x87, data }: X87Instance): string {
  const { control, status, tags, registers } = x87;
  const words = [control, status, tags].map((word) => word.toString(16)).join(' ');
  const memory = Buffer.from(data.subarray(0, 10)).reverse().toString('hex');
  return `${text}; control, status, tags ${words}; ${registers.map(hexOf).join(' ')}; memory ${memory}`;
}

/** The FCOMI family clears C1 (SDM 2, FCOMI); AMD's CPUs leave it. */
const comparedStatus = (name: string): number => (/^Fu?comi/.test(name) ? 0xffff & ~C1 : 0xffff);

/** Distance of two results in units of the last place; infinite for different signs or kinds. */
function distance(a: Extended, b: Extended): bigint | undefined {
  if (((a.signExponent ^ b.signExponent) & 0x8000) !== 0) return undefined;
  const place = ({ signExponent, significand }: Extended): bigint =>
    (BigInt(signExponent & 0x7fff) << 63n) | BigInt.asUintN(63, significand);
  const difference = place(a) - place(b);
  return difference < 0n ? -difference : difference;
}

/** FYL2XP1 takes arguments up to 1 - sqrt(1/2) (SDM 2, FYL2XP1); those that are not numbers have their rules. */
function outOfRange(name: string, { signExponent }: Extended): boolean {
  const exponent = signExponent & 0x7fff;
  return name === 'Fyl2xp1' && exponent >= 0x3ffd && exponent !== 0x7fff;
}

/** The logarithm of a power of 2 is exact here; AMD's CPUs call it inexact. */
const exactLogarithm = (name: string, { significand }: Extended): boolean =>
  name === 'Fyl2x' && significand === 1n << 63n;

/** Compares what the machine did with what a real CPU did: to the last bit, or for transcendentals to a unit of the last place. */
export function assertSame(name: string, instance: X87Instance, expected: HostOutput, actual: HostOutput): void {
  const about = describeInput(instance);
  if (!TRANSCENDENTAL.test(name)) {
    const mask = comparedStatus(name);
    assert.deepEqual(comparable(name, actual, mask), comparable(name, expected, mask), about);
    return;
  }
  const [argument = assert.fail('ST(0)')] = instance.x87.registers;
  if (outOfRange(name, argument)) return;
  actual.x87.registers.forEach((value, register) => {
    const wanted = expected.x87.registers[register] ?? assert.fail('register');
    const ulps = distance(value, wanted);
    assert.ok(ulps !== undefined && ulps <= 1n, `ST(${register}) is ${hexOf(value)}, not ${hexOf(wanted)}: ${about}`);
  });
  if (exactLogarithm(name, argument)) return;
  assert.equal(actual.x87.status & ~C1, expected.x87.status & ~C1, about);
  assert.equal(actual.x87.tags, expected.x87.tags, about);
}
