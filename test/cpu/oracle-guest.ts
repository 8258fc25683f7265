import type { EngineName } from '../../src/cpu/cpu.ts';
import { SEGMENT } from '../../src/cpu/state.ts';
import type { SamplingPolicy } from '../../src/cpu/translator/sampler.ts';
import { Guest } from '../support/cpu-harness.ts';
import {
  NO_FAULT,
  ORACLE,
  type OracleInput,
  type OracleOutput,
  type OracleSelectors,
} from '../support/native-oracle.ts';

/** Physical pages behind the oracle's linear ones. */
const PAGE = { code: 0x40000, data: 0x41000, readOnly: 0x42000, stack: 0x43000 } as const;
const CODE = PAGE.code + (ORACLE.start - ORACLE.code);
const DATA = PAGE.data + 0x1000 - ORACLE.window;
const INT3 = 0xcc;
/** The error code of the #GP that int3 gives where the IDT has no gate 3. */
const INT3_REFUSED = 3 * 8 + 2;
const MOST_PASSES = 100;

/**
 * How an instance is run: a number of passes at once, one pass at a time until EIP has left the code, or without a stop until the int3
 * behind it.
 */
export type Pace = number | 'steps' | 'int3';

/** The emulated CPU in the place of the host's: the same linear addresses, level, flags and segments. */
export class OracleGuest {
  readonly guest: Guest;
  private readonly selectors: OracleSelectors;

  constructor(engine: EngineName, selectors: OracleSelectors, sampling?: SamplingPolicy) {
    const guest = new Guest(engine, sampling === undefined ? {} : { sampling });
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

  /** Brings the CPU into the state before an instance. */
  load(input: OracleInput): void {
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
  }

  private isInt3(offset: number): boolean {
    const inPage = offset - ORACLE.code;
    return inPage >= 0 && inPage < 0x1000 && this.guest.bytes(PAGE.code + inPage, 1)[0] === INT3;
  }

  /** Runs an instance and returns what the host would report, and the passes that it took. */
  run(input: OracleInput, pace: Pace = 'steps'): OracleOutput & { readonly steps: number } {
    this.load(input);
    const { cpu } = this.guest;
    const { state } = cpu;
    const start = cpu.retired;
    const end = ORACLE.start + input.code.length;
    let exit = this.guest.run(pace === 'steps' ? 1 : pace === 'int3' ? MOST_PASSES : pace);
    while (pace === 'steps' && exit.kind === 'budget' && cpu.retired - start < MOST_PASSES) {
      if (state.ip < ORACLE.start || state.ip >= end) break;
      exit = this.guest.run(1);
    }
    if (exit.kind === 'unimplemented') throw new Error(exit.what);
    const raised = exit.kind === 'triple-fault' ? exit.chain[0] : undefined;
    const fault =
      raised?.vector === 13 && raised.errorCode === INT3_REFUSED && this.isInt3(state.ip) ? undefined : raised;
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

/** An instance that is compared: bits of EFLAGS that are defined afterwards, and its text. */
export interface ComparedInstance extends OracleInput {
  readonly text: string;
  readonly flags: number;
}

/** What differs between the host and the guest, in words; empty when nothing does. */
export function differences(
  instance: ComparedInstance,
  native: OracleOutput,
  guest: OracleOutput,
  pace: Pace = 'steps',
): string[] {
  const list: string[] = [];
  const compare = (what: string, expected: number, found: number): void => {
    if (expected !== found) list.push(`${what} ${found.toString(16)}, the CPU has ${expected.toString(16)}`);
  };
  // A jump to where nothing is mapped completes; the fetch that faults is the next instruction's.
  const fetchFault = native.vector === 14 && native.address === native.eip && native.eip !== ORACLE.start;
  const unseen = fetchFault && pace !== 'int3';
  compare('vector', unseen ? NO_FAULT : native.vector, guest.vector);
  compare('EIP', native.eip, guest.eip);
  if (native.vector !== NO_FAULT && !unseen) {
    // The host executes no page that is not mapped; whether its error code says "fetch" depends on its paging mode (NX).
    const error = native.vector === 14 && fetchFault ? native.error & ~0x10 : native.error;
    compare('error code', native.vector === 13 || native.vector === 14 ? error : 0, guest.error);
    if (native.vector === 14) compare('CR2', native.address, guest.address);
  }
  native.registers.forEach((value, n) => compare(`register ${n}`, value, guest.registers[n] ?? 0));
  compare('EFLAGS', native.eflags & instance.flags, guest.eflags & instance.flags);
  compareBytes(compare, 'data', native.data, guest.data, 0);
  // The host has made some pushes of PUSHA and ENTER when one faults; the SDM leaves that open.
  const below = native.vector === 14 && /^(pusha|enter)/.test(instance.text);
  compareBytes(compare, 'stack', native.stack, guest.stack, below ? (instance.registers[4] ?? 0) - ORACLE.stack : 0);
  return list;
}

function compareBytes(
  compare: (what: string, expected: number, found: number) => void,
  what: string,
  expected: Uint8Array,
  found: Uint8Array,
  from: number,
): void {
  for (let n = from; n < expected.length; n++)
    if (expected[n] !== found[n]) compare(`${what}+${n}`, expected[n] ?? 0, found[n] ?? 0);
}

/** One line about an instance that differs. */
export function describeProblem(index: number, instance: ComparedInstance, list: readonly string[]): string {
  const bytes = Buffer.from(instance.code).toString('hex');
  return `#${index} ${instance.text} (${bytes}): ${list.slice(0, 6).join('; ')}`;
}
