import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { SEGMENT } from '../../src/cpu/state.ts';
import { ENGINES, Guest } from '../support/cpu-harness.ts';
import {
  NO_FAULT,
  ORACLE,
  runNatively,
  type OracleInput,
  type OracleOutput,
  type OracleSelectors,
} from '../support/native-oracle.ts';
import { requireTool } from '../support/tools.ts';
import { CODES, InstructionGenerator, type InstructionInstance } from './random-instructions.ts';

const SEED = Number(process.env['ORACLE_SEED'] ?? 20240607);
const INSTANCES = Number(process.env['ORACLE_INSTANCES'] ?? 24000);
const SHOWN = 12;

/** Physical pages behind the oracle's linear ones. */
const PAGE = { code: 0x40000, data: 0x41000, readOnly: 0x42000, stack: 0x43000 } as const;
const CODE = PAGE.code + (ORACLE.start - ORACLE.code);
const DATA = PAGE.data + 0x1000 - ORACLE.window;
const INT3 = 0xcc;
const MOST_PASSES = 100;

/** The emulated CPU in the place of the host's: the same linear addresses, level, flags and segments. */
class OracleGuest {
  readonly guest: Guest;
  private readonly selectors: OracleSelectors;

  constructor(engine: EngineName, selectors: OracleSelectors) {
    const guest = new Guest(engine);
    this.guest = guest;
    this.selectors = selectors;
    guest.enterLevel(3);
    guest.map(ORACLE.code, PAGE.code);
    guest.map(ORACLE.data, PAGE.data);
    guest.map(ORACLE.readOnly, PAGE.readOnly, 5);
    guest.map(ORACLE.stack, PAGE.stack);
    guest.enablePaging();
    guest.bytes(PAGE.code, 0x1000).fill(INT3);
    guest.bytes(PAGE.readOnly, 0x1000).forEach((_, n, page) => (page[n] = n * 7 + 3));
    const { state } = guest.cpu;
    for (const name of ['es', 'cs', 'ss', 'ds', 'gs'] as const)
      state.setSegment(SEGMENT[name], { ...state.segment(SEGMENT[name]), selector: selectors[name] });
  }

  /** Runs an instance; `steps` passes at once, or one at a time when not told. */
  run(input: OracleInput, steps?: number): OracleOutput & { readonly steps: number } {
    const { cpu } = this.guest;
    const { state } = cpu;
    for (let n = 0; n < ORACLE.longest; n++) cpu.memory.writePhysical(CODE + n, 8, input.code[n] ?? INT3);
    this.guest.writeBytes(DATA, input.data);
    this.guest.writeBytes(PAGE.stack, input.stack);
    input.registers.forEach((value, index) => state.setRegister32(index, value));
    state.eflags = input.eflags;
    state.ip = ORACLE.start;
    const expandDown = input.fs === 1;
    state.setSegment(SEGMENT.fs, {
      selector: this.selectors.fs[input.fs],
      base: ORACLE.data,
      limit: expandDown ? 0xeff : 0xfff,
      access: expandDown ? 0x40f700 : 0x40f300,
    });
    const start = cpu.retired;
    const end = ORACLE.start + input.code.length;
    let exit = this.guest.run(steps ?? 1);
    while (steps === undefined && exit.kind === 'budget' && cpu.retired - start < MOST_PASSES) {
      if (state.ip < ORACLE.start || state.ip >= end) break;
      exit = this.guest.run(1);
    }
    if (exit.kind === 'unimplemented') throw new Error(exit.what);
    const fault = exit.kind === 'triple-fault' ? exit.chain[0] : undefined;
    return {
      registers: this.guest.registers,
      eflags: state.eflags,
      eip: state.ip,
      vector: fault?.vector ?? NO_FAULT,
      error: fault?.errorCode ?? 0,
      address: fault?.operands['address'] ?? 0,
      data: this.guest.bytes(DATA, ORACLE.window),
      stack: this.guest.bytes(PAGE.stack, ORACLE.window),
      // A fault is one more pass.
      steps: cpu.retired - start + (fault === undefined ? 0 : 1),
    };
  }
}

/** What differs, in words; empty when nothing does. */
function differences(instance: InstructionInstance, native: OracleOutput, guest: OracleOutput): string[] {
  const list: string[] = [];
  const compare = (what: string, expected: number, found: number): void => {
    if (expected !== found) list.push(`${what} ${found.toString(16)}, the CPU has ${expected.toString(16)}`);
  };
  // A jump to where nothing is mapped completes; the fetch that faults is the next instruction's.
  const fetchFault = native.vector === 14 && native.address === native.eip && native.eip !== ORACLE.start;
  compare('vector', fetchFault ? NO_FAULT : native.vector, guest.vector);
  compare('EIP', native.eip, guest.eip);
  if (native.vector !== NO_FAULT && !fetchFault) {
    compare('error code', native.vector === 13 || native.vector === 14 ? native.error : 0, guest.error);
    if (native.vector === 14) compare('CR2', native.address, guest.address);
  }
  native.registers.forEach((value, n) => compare(`register ${n}`, value, guest.registers[n] ?? 0));
  compare('EFLAGS', native.eflags & instance.flags, guest.eflags & instance.flags);
  native.data.forEach((value, n) => compare(`data+${n}`, value, guest.data[n] ?? 0));
  // The host has made some pushes of PUSHA and ENTER when one faults; the SDM leaves that open.
  const below = native.vector === 14 && /^(pusha|enter)/.test(instance.text);
  const from = below ? (instance.registers[4] ?? 0) - ORACLE.stack : 0;
  native.stack.slice(from).forEach((value, n) => compare(`stack+${from + n}`, value, guest.stack[from + n] ?? 0));
  return list;
}

describe('Invariant 1: one meaning per instruction, that of a real CPU', function () {
  this.timeout(120_000);
  let instances: readonly InstructionInstance[] = [];
  let natives: readonly OracleOutput[] = [];
  let selectors: OracleSelectors | undefined;
  const steps: number[] = [];

  before(function () {
    requireTool(this, 'gcc');
    const generator = new InstructionGenerator(SEED);
    instances = Array.from({ length: INSTANCES }, (_, n) => {
      const code = CODES[n % CODES.length];
      return code === undefined || n % 8 === 7 ? generator.sequence(1 + (n % 5)) : generator.next(code);
    });
    const result = runNatively(instances);
    natives = result.outputs;
    selectors = result.selectors;
  });

  for (const engine of [...ENGINES].reverse()) {
    it(`${engine}: ${INSTANCES} random instructions, seed ${SEED}`, () => {
      assert.ok(selectors !== undefined);
      const guest = new OracleGuest(engine, selectors);
      const problems: string[] = [];
      instances.forEach((instance, n) => {
        const native = natives[n];
        if (native === undefined) return;
        // A third of the accesses take the slow paths: all of them, or the first.
        guest.guest.cpu.memory.alwaysMiss = n % 6 === 0;
        if (n % 6 < 2) guest.guest.cpu.memory.flush();
        let list: string[];
        try {
          const result = guest.run(instance, n % 2 === 0 ? steps[n] : undefined);
          steps[n] ??= result.steps;
          list = differences(instance, native, result);
        } catch (error) {
          list = [String(error)];
        }
        if (list.length === 0) return;
        const bytes = Buffer.from(instance.code).toString('hex');
        problems.push(`#${n} ${instance.text} (${bytes}): ${list.slice(0, 6).join('; ')}`);
      });
      const shown = problems.slice(0, SHOWN).join('\n');
      assert.equal(problems.length, 0, `${problems.length} of ${INSTANCES} differ, seed ${SEED}:\n${shown}`);
    });
  }

  it('tries every encoding a user program can try', () => {
    const names = CODES.map((code) => iced.Code[code]);
    for (const name of [
      'Rcl_rm8_CL',
      'Shld_rm16_r16_imm8',
      'Cmpxchg8b_m64',
      'Aam_imm8',
      'Enterd_imm16_imm8',
      'Jecxz_rel8_32',
    ])
      assert.ok(names.includes(name), name);
    assert.ok(names.length > 500, `${names.length} encodings`);
  });
});
