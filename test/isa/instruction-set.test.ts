import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import { describeEncoding } from '../../src/cpu/decoder.ts';
import {
  makeForm,
  recordWithFields,
  recordWithOperands,
  type InstructionForm,
} from '../../src/cpu/instruction-form.ts';
import { ARITHMETIC } from '../../src/isa/arithmetic.ts';
import { BIT } from '../../src/isa/bit.ts';
import { CONTROL_FLOW } from '../../src/isa/control-flow.ts';
import { DATA_TRANSFER } from '../../src/isa/data-transfer.ts';
import { DECIMAL } from '../../src/isa/decimal.ts';
import { INSTRUCTION_SET } from '../../src/isa/index.ts';
import type { Commit, Instruction } from '../../src/isa/instruction.ts';
import { MMX } from '../../src/isa/mmx.ts';
import { MULTIPLY_DIVIDE } from '../../src/isa/multiply-divide.ts';
import { SHIFT_ROTATE } from '../../src/isa/shift-rotate.ts';
import { SSE_FLOAT } from '../../src/isa/sse-float.ts';
import { SSE } from '../../src/isa/sse.ts';
import { SSE2 } from '../../src/isa/sse2.ts';
import { STACK } from '../../src/isa/stack.ts';
import { STRING } from '../../src/isa/string.ts';
import { SYSTEM } from '../../src/isa/system.ts';
import type { Width } from '../../src/isa/value.ts';
import { X87 } from '../../src/isa/x87.ts';

/** Mnemonics that iced-x86 does not tell apart, and what its decoder says with an error. */
const OWN_NAMES = [
  'MovToSegment',
  'MovFromSegment',
  'MovToControl',
  'MovFromControl',
  'MovToDebug',
  'MovFromDebug',
  'TooLong',
];

/** Integer and system encodings up to the 486, and of CMOV, CX8, MSR and TSC, that the machine does not have. */
const MISSING = [
  // Of single models of the 286 and 386.
  'Ibts_rm16_r16',
  'Ibts_rm32_r32',
  'Loadall286',
  'Loadall386',
  'Storeall',
  'Xbts_r16_rm16',
  'Xbts_r32_rm32',
];

const LETTERS: readonly (readonly [RegExp, string])[] = [
  [/^r(8|16|32)_or_mem$/, 'rm'],
  [/^r(8|16|32)_(reg|rm|opcode)$|^(al|ax|eax|dx|cl)$/, 'r'],
  [/^mem$|^mem_offs$|^seg_rBX_al$/, 'm'],
  [/^x?mm_or_mem$/, 'vm'],
  [/^x?mm_(reg|rm)$/, 'v'],
  [/^imm/, 'i'],
  [/^br(16|32)_/, 't'],
  [/^farbr/, 'f'],
  [/^(es|cs|ss|ds|fs|gs)$|^(seg|cr|dr|tr)_reg$/, 's'],
];

/** WAIT and the instruction after it, which the decoder never takes for one. */
const WITH_WAIT = /^F(clex|disi|eni|init|save|setpm|stcw|stenv|stsw)/;

interface Encoding {
  readonly code: iced.Code;
  readonly name: string;
  readonly features: readonly string[];
  readonly operands: readonly string[];
}

const ENCODINGS: readonly Encoding[] = Object.values(iced.Code).flatMap((code) => {
  if (typeof code === 'string') return [];
  const info = iced.CodeExt.opCode(code);
  const instruction = new iced.Instruction();
  instruction.code = code;
  const operands = Array.from({ length: info.opCount }, (_, n) => iced.OpCodeOperandKind[info.opKind(n)]);
  const features = Array.from(instruction.cpuidFeatures(), (feature) => iced.CpuidFeature[feature] ?? '');
  const { mode32 } = info;
  info.free();
  instruction.free();
  return mode32 ? [{ code, name: iced.Code[code], features, operands }] : [];
});

const describedAs = ({ code }: Encoding): ReturnType<typeof describeEncoding> => {
  const info = iced.CodeExt.opCode(code);
  const encoding = describeEncoding(code, info.mnemonic);
  info.free();
  return encoding;
};

/** Every form that an encoding can take in any mode. */
function* formsOf(encoding: Encoding): Iterable<InstructionForm> {
  const { description, width, operandWidths, repeats, name } = describedAs(encoding);
  if (description === undefined) return;
  let kinds = [''];
  for (const operand of encoding.operands) {
    const letters = LETTERS.find(([pattern]) => pattern.test(operand))?.[1] ?? '';
    if (letters !== '') kinds = kinds.flatMap((prefix) => Array.from(letters, (letter) => prefix + letter));
  }
  if (/^(Jmp|Call)_m16/.test(name)) kinds = ['mf'];
  for (const kind of kinds)
    for (const repeat of repeats ? (['rep', 'repne', undefined] as const) : [undefined])
      for (const addressWidth of [16, 32] as const)
        for (const stackWidth of [16, 32] as const)
          yield makeForm({ description, width, operandWidths, kinds: kind, repeat, addressWidth, stackWidth });
}

const OPERANDS = {
  ip: 0x1000,
  length: 3,
  registers: [
    { index: 1, high: false },
    { index: 2, high: false },
  ],
  vectors: [],
  base: 3,
  index: 6,
  scale: 2,
  displacement: -8,
  segment: 3,
  immediate: 5,
  immediate2: 1,
  target: 0x2000,
};

function* flatten(commits: readonly Commit[]): Iterable<Commit> {
  for (const commit of commits) {
    yield commit;
    if (commit.kind === 'when') yield* flatten(commit.body);
  }
}

/** What must hold of any recorded instruction. */
function checkRecord(form: InstructionForm, instruction: Instruction<Width>): void {
  for (const commit of flatten(instruction.commits)) {
    if (commit.kind === 'register') assert.ok([8, 16, 32].includes(commit.value.width), `${form.key}: register width`);
    if (commit.kind === 'store') {
      assert.ok([8, 16, 32, 64].includes(commit.value.width), `${form.key}: store width`);
      assert.equal(commit.offset.width, 32, `${form.key}: offset width`);
    }
  }
  const { control } = instruction;
  if (control.kind !== 'next') assert.ok(form.description.endsBlock, `${form.key} leaves the straight line`);
  if (control.kind === 'branch') assert.equal(control.condition.width, 1);
  if (control.kind === 'jump') assert.equal(control.to.width, 32);
}

describe('the instruction set', () => {
  it('is recorded for every encoding, mode, prefix and operand kind', function () {
    this.timeout(30_000);
    const described = new Set<string>();
    let count = 0;
    for (const encoding of ENCODINGS) {
      for (const form of formsOf(encoding)) {
        try {
          checkRecord(form, recordWithFields(form));
          checkRecord(form, recordWithOperands(form, OPERANDS));
        } catch (error) {
          throw new Error(`${encoding.name}, ${form.key}: ${String(error)}`);
        }
        for (const mnemonic of form.description.mnemonics) described.add(mnemonic);
        count++;
      }
    }
    assert.ok(count > 2500, `${count} forms`);
    const never = [...INSTRUCTION_SET.keys()].filter((name) => !described.has(name));
    assert.deepEqual(never, ['TooLong'], 'what no encoding reaches');
  });

  it('has the names of iced-x86, but for its own', () => {
    // MMX and SSE go by encoding.
    const known: ReadonlySet<string> = new Set([...Object.keys(iced.Mnemonic), ...Object.keys(iced.Code)]);
    assert.deepEqual([...INSTRUCTION_SET.keys()].filter((name) => !known.has(name)).sort(), [...OWN_NAMES].sort());
  });

  it('describes no mnemonic twice', () => {
    const families = [
      ...[ARITHMETIC, BIT, CONTROL_FLOW, DATA_TRANSFER, DECIMAL],
      ...[MMX, MULTIPLY_DIVIDE, SHIFT_ROTATE, SSE, SSE2, SSE_FLOAT, STACK, STRING, SYSTEM, X87],
    ];
    const names = families.flat().flatMap(({ mnemonics }) => mnemonics);
    assert.deepEqual(
      names.filter((name, n) => names.indexOf(name) !== n),
      [],
    );
    assert.equal(INSTRUCTION_SET.size, names.length);
  });

  it('is all that a 486 with CMOV, CMPXCHG8B, RDTSC and MSRs has, x87 unit included', () => {
    const wanted = /^(INTEL(8086|186|286|386|486).*|FPU(287|387)?|CMOV|CX8|TSC|MSR|CPUID|PAUSE)$/;
    const missing = ENCODINGS.filter(
      (encoding) =>
        encoding.features.some((feature) => wanted.test(feature)) &&
        !/^(Declare|Zero_bytes)/.test(encoding.name) &&
        !WITH_WAIT.test(encoding.name) &&
        describedAs(encoding).description === undefined,
    );
    assert.deepEqual(missing.map(({ name }) => name).sort(), [...MISSING].sort());
  });

  it('is all of MMX, SSE and SSE2', () => {
    const wanted = /^(MMX|SSE|SSE2|FXSR)$/;
    const hints = /^(Prefetch|[SLM]fence|Movnti)/;
    const missing = ENCODINGS.filter(
      (encoding) =>
        encoding.features.some((feature) => wanted.test(feature)) &&
        !hints.test(encoding.name) &&
        describedAs(encoding).description === undefined,
    );
    assert.deepEqual(missing, []);
  });
});
