import assert from 'node:assert/strict';
import { RAM } from '../../../src/cpu/layout.ts';
import { assemble } from '../../support/assembler.ts';
import { Guest, PLACE } from '../../support/cpu-harness.ts';
import { Random } from '../../support/random.ts';
import { requireTool } from '../../support/tools.ts';
import { DATA_SIZE, HOST_PLACE, runOnHost, type HostInput, type HostOutput } from './host-x87.ts';

const BX = 3;
const INSTANCES = 40;
/** Where the seven words of a 32-bit and of a 16-bit layout have selectors, which a CPU need not keep (SDM 1, 8.1.8). */
const SELECTORS = { wide: [16, 17, 24, 25], narrow: [8, 9, 12, 13] } as const;

/** What runs before: an instruction without and one with a memory operand, so that there are pointers; all leave registers as they are. */
const BEFORE = ['', 'fabs', 'fcom dword ptr [ebx + 120]', 'fst qword ptr [ebx + 112]', 'fxch st(3); fldcw [ebx + 118]'];
const INSTRUCTIONS = [
  ...['fnstenv [ebx]', 'fnsave [ebx]', 'fldenv [ebx]', 'frstor [ebx]'],
  ...['data16 fnstenv [ebx]', 'data16 fnsave [ebx]', 'data16 fldenv [ebx]', 'data16 frstor [ebx]'],
  ...['fldenv [ebx]; fnstenv [ebx + 40]', 'data16 fldenv [ebx]; data16 fnstenv [ebx + 40]'],
];

/** Anything in the registers and in memory; no exception is unmasked before or after. */
function inputOf(random: Random, code: Uint8Array): HostInput {
  const data = Uint8Array.from({ length: DATA_SIZE }, () => random.word());
  for (const at of [0, 118]) data.set([0x7f, random.below(16)], at);
  const registers = Array.from({ length: 8 }, () => ({
    signExponent: random.oneIn(4) ? 0x7fff : random.word() & 0xffff,
    significand: random.oneIn(4) ? 0n : (1n << 63n) | (BigInt(random.word()) << 20n),
  }));
  const status = random.word() & 0x477f;
  const x87 = { control: 0x37f, status, tags: random.word() & 0xffff, registers };
  return { code, x87, eflags: 0x202, data };
}

/** The same on the machine, at the same linear addresses. */
function runHere(guest: Guest, { code, x87: image, eflags, data }: HostInput, count: number): HostOutput {
  const { state } = guest.cpu;
  guest.writeBytes(PLACE.code, code);
  guest.cpu.stateChanged();
  guest.writeBytes(PLACE.data, data);
  state.ip = HOST_PLACE.code;
  state.eflags = eflags;
  state.setRegister32(BX, HOST_PLACE.data);
  const { x87 } = state;
  x87.initialise();
  x87.control = image.control;
  x87.status = image.status;
  x87.tagWord = image.tags;
  image.registers.forEach((value, n) => x87.setPhysical((x87.top + n) & 7, value));
  assert.deepEqual(guest.run(count), { kind: 'budget' });
  assert.equal(state.ip, HOST_PLACE.code + code.length);
  const { control, status, tagWord, pointers } = x87;
  const { instructionOffset, opcode, operandOffset } = pointers;
  return {
    x87: {
      ...{ control, status, tags: tagWord, registers: Array.from({ length: 8 }, (_, n) => x87.register(n)) },
      ...{ instructionOffset, opcode, operandOffset },
    },
    eflags: state.eflags,
    eax: 0,
    data: state.bytes.slice(RAM + PLACE.data, RAM + PLACE.data + DATA_SIZE),
  };
}

/** What is compared, as text. */
function comparable({ x87, data }: HostOutput, stores: readonly (readonly [at: number, wide: boolean])[]): unknown {
  const bytes = Buffer.from(data);
  for (const [at, wide] of stores) for (const selector of SELECTORS[wide ? 'wide' : 'narrow']) bytes[at + selector] = 0;
  const registers = x87.registers.map(
    ({ signExponent, significand }) => `${signExponent.toString(16)}:${significand.toString(16)}`,
  );
  return { ...x87, registers, data: bytes.toString('hex') };
}

describe('x87 environments in memory against this computer (SDM 1, figures 8-9 and 8-11)', function () {
  this.timeout(60_000);

  for (const instruction of INSTRUCTIONS)
    it(`${instruction}, in protected mode`, function () {
      requireTool(this, 'gcc');
      const random = new Random(20261);
      const guest = new Guest('reference');
      guest.enterLevel(3);
      guest.map(HOST_PLACE.code, PLACE.code);
      guest.map(HOST_PLACE.data, PLACE.data);
      guest.enablePaging();
      const cases = BEFORE.flatMap((before) => {
        const text = `${before}; ${instruction}`;
        const { bytes } = assemble(text, HOST_PLACE.code);
        const count = text.split(';').filter((part) => part.trim() !== '').length;
        return Array.from({ length: INSTANCES }, () => ({ text, count, input: inputOf(random, bytes) }));
      });
      const outputs = runOnHost(cases.map(({ input }) => input));
      const wide = !instruction.includes('data16');
      const at = instruction.includes('+ 40') ? 40 : 0;
      const stores = /st|save/.test(instruction) ? [[at, wide] as const] : [];
      cases.forEach(({ text, count, input }, n) => {
        const expected = outputs[n] ?? assert.fail('output');
        assert.deepEqual(comparable(runHere(guest, input, count), stores), comparable(expected, stores), text);
      });
    });
});
