import assert from 'node:assert/strict';
import { CpuFault } from '../../../src/cpu/fault.ts';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { deliverInterrupt } from '../../../src/cpu/system/interrupt-delivery.ts';
import { BareCpu, GDT, STACK, TSS } from './bare-cpu.ts';

/** Every combination of levels, with the verdict that the SDM's rule, written down here once more, gives. */
const LEVELS = [0, 1, 2, 3] as const;
const CONFORMING = [false, true];

/** Indexes in the GDT of a segment for each DPL. */
const FIRST = { code: 16, conforming: 20, data: 24, gate: 28 } as const;
const GATE = FIRST.gate * 8;
const TARGET = 0x6000;
/** ESP of the inner stack of each level. */
const innerStack = (level: number): number => 0x9000 + level * 0x400;

const codeSelector = (dpl: number, conforming: boolean): number =>
  ((conforming ? FIRST.conforming : FIRST.code) + dpl) * 8;
const dataSelector = (dpl: number): number => (FIRST.data + dpl) * 8;

/** What an attempt came to: `{ cpl }` after it, or the fault as `[vector, error code]`. */
type Verdict = { readonly cpl: number } | readonly [vector: number, errorCode: number];
const GP = (selector: number): Verdict => [13, selector & 0xfffc];

function cpuAt(cpl: number): BareCpu {
  const cpu = new BareCpu();
  for (const dpl of LEVELS) {
    const bits = dpl << 13;
    cpu.writeWords(GDT + codeSelector(dpl, false), [0x0000ffff, 0x00cf9a00 | bits]);
    cpu.writeWords(GDT + codeSelector(dpl, true), [0x0000ffff, 0x00cf9e00 | bits]);
    cpu.writeWords(GDT + dataSelector(dpl), [0x0000ffff, 0x00cf9200 | bits]);
    if (dpl < 3) cpu.writeWords(TSS + 4 + dpl * 8, [innerStack(dpl), dataSelector(dpl) | dpl]);
  }
  cpu.state.gdtr = { base: GDT, limit: GATE + 7 };
  cpu.loadTask();
  cpu.enterLevel(0);
  const { state } = cpu;
  const flat = { base: 0, limit: 0xffffffff, access: 0x00c09300 | (cpl << 13) };
  state.setSegment(SEGMENT.cs, { ...flat, selector: codeSelector(cpl, false) | cpl, access: flat.access | 0x0800 });
  state.setSegment(SEGMENT.ss, { ...flat, selector: dataSelector(cpl) | cpl });
  state.cpl = cpl;
  return cpu;
}

function verdict(cpu: BareCpu, attempt: () => void): Verdict {
  try {
    attempt();
    return { cpl: cpu.state.cpl };
  } catch (error) {
    assert.ok(error instanceof CpuFault, String(error));
    return [error.vector, error.errorCode ?? -1];
  }
}

/** Runs `attempt` at every CPL and compares; tells how many combinations there were. */
function expectAll(
  combinations: Iterable<{
    readonly cpl: number;
    readonly what: string;
    readonly attempt: (cpu: BareCpu) => void;
    readonly expected: Verdict;
  }>,
): void {
  let count = 0;
  for (const { cpl, what, attempt, expected } of combinations) {
    const cpu = cpuAt(cpl);
    const found = verdict(cpu, () => attempt(cpu));
    assert.deepEqual(found, expected, `CPL ${cpl}, ${what}`);
    if ('cpl' in found) assert.equal(cpu.selector(SEGMENT.cs) & 3, found.cpl, 'RPL of CS is CPL');
    count++;
  }
  assert.ok(count >= 16);
}

function* levels(): Generator<{ cpl: number; rpl: number; dpl: number; text: string }> {
  for (const cpl of LEVELS)
    for (const rpl of LEVELS) for (const dpl of LEVELS) yield { cpl, rpl, dpl, text: `RPL ${rpl}, DPL ${dpl}` };
}

describe('every CPL, RPL, DPL and kind of segment (SDM 3, chapter 5)', () => {
  it('MOV to DS: DPL at least CPL and RPL, but for conforming code (5.6)', () => {
    expectAll(
      (function* () {
        for (const { cpl, rpl, dpl, text } of levels())
          for (const [kind, selector] of [
            ['data', dataSelector(dpl)],
            ['code', codeSelector(dpl, false)],
            ['conforming', codeSelector(dpl, true)],
          ] as const) {
            const allowed = kind === 'conforming' || (dpl >= cpl && dpl >= rpl);
            yield {
              cpl,
              what: `${kind}, ${text}`,
              attempt: (cpu: BareCpu) => cpu.run('load-segment', SEGMENT.ds, selector | rpl),
              expected: allowed ? { cpl } : GP(selector),
            };
          }
      })(),
    );
  });

  it('MOV to SS: DPL and RPL are CPL (5.7)', () => {
    expectAll(
      (function* () {
        for (const { cpl, rpl, dpl, text } of levels())
          yield {
            cpl,
            what: text,
            attempt: (cpu: BareCpu) => cpu.run('load-segment', SEGMENT.ss, dataSelector(dpl) | rpl),
            expected: dpl === cpl && rpl === cpl ? { cpl } : GP(dataSelector(dpl)),
          };
      })(),
    );
  });

  it('far JMP and CALL without a gate (5.8.1)', () => {
    expectAll(
      (function* () {
        for (const { cpl, rpl, dpl, text } of levels())
          for (const conforming of CONFORMING)
            for (const name of ['far-jump', 'far-call']) {
              const selector = codeSelector(dpl, conforming);
              const allowed = conforming ? dpl <= cpl : dpl === cpl && rpl <= cpl;
              yield {
                cpl,
                what: `${name}, conforming ${String(conforming)}, ${text}`,
                attempt: (cpu: BareCpu) => cpu.run(name, selector | rpl, TARGET),
                expected: allowed ? { cpl } : GP(selector),
              };
            }
      })(),
    );
  });

  it('far JMP and CALL through a call gate (5.8.4, table 5-1)', () => {
    expectAll(
      (function* () {
        for (const { cpl, rpl, dpl: gateDpl, text } of levels())
          for (const dpl of LEVELS)
            for (const conforming of CONFORMING)
              for (const name of ['far-jump', 'far-call']) {
                const target = codeSelector(dpl, conforming);
                const usable = Math.max(cpl, rpl) <= gateDpl;
                const reachable = name === 'far-jump' && !conforming ? dpl === cpl : dpl <= cpl;
                yield {
                  cpl,
                  what: `${name}, gate ${text}, target DPL ${dpl}, conforming ${String(conforming)}`,
                  attempt: (cpu: BareCpu) => {
                    cpu.writeWords(GDT + GATE, [(target << 16) | TARGET, 0x8c00 | (gateDpl << 13)]);
                    cpu.run(name, GATE | rpl, 0xdead);
                  },
                  expected: !usable ? GP(GATE) : !reachable ? GP(target) : { cpl: conforming ? cpl : dpl },
                };
              }
      })(),
    );
  });

  it('RETF and IRET: never inwards, DPL is RPL or for conforming code at most RPL (5.8.6)', () => {
    expectAll(
      (function* () {
        for (const { cpl, rpl, dpl, text } of levels())
          for (const conforming of CONFORMING)
            for (const name of ['far-return', 'interrupt-return']) {
              const selector = codeSelector(dpl, conforming);
              const allowed = rpl >= cpl && (conforming ? dpl <= rpl : dpl === rpl);
              yield {
                cpl,
                what: `${name}, conforming ${String(conforming)}, ${text}`,
                attempt: (cpu: BareCpu) => {
                  const flags = name === 'interrupt-return' ? [2] : [];
                  cpu.writeWords(STACK, [TARGET, selector | rpl, ...flags, 0x7000, dataSelector(rpl) | rpl]);
                  cpu.run(name, 0);
                  assert.equal(cpu.esp, rpl > cpl ? 0x7000 : STACK + 8 + flags.length * 4);
                },
                expected: allowed ? { cpl: rpl } : GP(selector),
              };
            }
      })(),
    );
  });

  it('INT n, exceptions and interrupts: only INT n asks for the DPL of the gate (6.12.1)', () => {
    const vector = 0x40;
    expectAll(
      (function* () {
        for (const { cpl, rpl: gateDpl, dpl } of levels())
          for (const conforming of CONFORMING)
            for (const kind of ['software', 'exception', 'external'] as const) {
              const target = codeSelector(dpl, conforming);
              const external = kind === 'software' ? 0 : 1;
              const usable = kind !== 'software' || gateDpl >= cpl;
              yield {
                cpl,
                what: `${kind}, gate DPL ${gateDpl}, target DPL ${dpl}, conforming ${String(conforming)}`,
                attempt: (cpu: BareCpu) => {
                  cpu.gate(vector, target, TARGET, 0x8e00 | (gateDpl << 13));
                  deliverInterrupt(cpu, vector, { kind, returnIp: 0x5000 });
                },
                expected: !usable
                  ? ([13, vector * 8 + 2] as const)
                  : dpl > cpl
                    ? ([13, target | external] as const)
                    : { cpl: conforming ? cpl : dpl },
              };
            }
      })(),
    );
  });
});

describe('the stack of a call gate to an inner level (SDM 3, 5.8.5)', () => {
  for (const width of [32, 16] as const)
    for (const parameters of [0, 1, 31])
      it(`${width} bits, ${parameters} parameters: SS:SP, the parameters in their order, CS:IP; RETF n takes all back`, () => {
        for (const [from, to] of [
          [3, 0],
          [3, 1],
          [3, 2],
          [2, 0],
          [2, 1],
          [1, 0],
        ] as const) {
          const cpu = cpuAt(from);
          const bytes = width / 8;
          const values = Array.from({ length: parameters }, (_, n) => 0x100 + n);
          values.forEach((value, n) => cpu.memory.write(STACK + n * bytes, width, value));
          const type = width === 32 ? 0x8c00 : 0x8400;
          cpu.writeWords(GDT + GATE, [(codeSelector(to, false) << 16) | TARGET, type | parameters | (3 << 13)]);
          cpu.run('far-call', GATE | 3, 0);
          const pushed = cpu.stack(cpu.esp, parameters + 4, width);
          const caller = [0x5002, codeSelector(from, false) | from];
          assert.deepEqual(pushed, [...caller, ...values, STACK, dataSelector(from) | from]);
          assert.equal(cpu.esp, innerStack(to) - (parameters + 4) * bytes);
          assert.equal(cpu.state.ip, TARGET);
          assert.deepEqual([cpu.state.cpl, cpu.selector(SEGMENT.ss)], [to, dataSelector(to) | to]);

          cpu.instruction.operandSize = width;
          cpu.run('far-return', parameters * bytes);
          assert.equal(cpu.esp, STACK + parameters * bytes);
          assert.deepEqual([cpu.state.cpl, cpu.state.ip], [from, 0x5002]);
        }
      });
});
