import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { SAMPLING } from '../../src/cpu/translator/sampler.ts';
import { assemble, type Program } from '../support/assembler.ts';
import { ENGINES, FAST_ENGINES, Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';
import { randomProgram } from './random-program.ts';

describe('hot code', function () {
  this.timeout(60_000);

  before(function () {
    requireTool(this, 'gcc');
  });

  /** Instructions. */
  const RUN = 5_000_000;
  /** Millions of instructions per second that only what V8 has optimised reaches. */
  const FAST = 1000;
  /** V8 optimises in the background, which takes a while on a busy host. */
  const MEASURED_MILLISECONDS = 20_000;
  /** Millions of instructions per second of this process's time in loops: the best of many short runs, in turns, as the host is shared, until it is `enough`. */
  const speeds = (
    enough: (first: number, second: number) => boolean,
    ...loops: readonly (readonly [EngineName, string])[]
  ): number[] => {
    const guests = loops.map(
      ([engine, source]) => new Guest(engine, { code: assemble(source, PLACE.code).bytes, sampling: SAMPLING }),
    );
    const best = loops.map(() => 0);
    const end = performance.now() + MEASURED_MILLISECONDS;
    while (performance.now() < end && !enough(best[0] ?? 0, best[1] ?? 0)) {
      for (const [n, guest] of guests.entries()) {
        const start = process.cpuUsage();
        assert.equal(guest.run(RUN).kind, 'budget');
        // The sum of both is exact; how it is divided is estimated.
        const { user, system } = process.cpuUsage(start);
        best[n] = Math.max(best[n] ?? 0, RUN / (user + system));
      }
    }
    return best;
  };

  const loop = (data: string): string => `
    again:
      inc dword ptr [${data}]
      add eax, dword ptr [${data}]
      xor ebx, eax
      mov dword ptr [${data} + 4], ebx
      dec ecx
      jmp again
      .balign 64
    beside: .long 0, 0`;

  it('is translated, and runs at least twice as fast for it', () => {
    const source = loop(String(PLACE.data));
    const [translated = 0, interpreted = 0] = speeds(
      (first, second) => first > 2 * second && second > 0,
      ['translator', source],
      ['interpreter', source],
    );
    assert.ok(translated > 2 * interpreted, `${translated.toFixed()} MIPS, interpreted ${interpreted.toFixed()}`);
  });

  it('checks segments that were flat when it was translated and are not any more', () => {
    const source = `
      mov edi, ${PLACE.data}
    again:
      mov eax, [edi]
      add dword ptr [edi + 4], eax
      mov [edi + 8], edi
      dec ecx
      jnz again
      hlt`;
    for (const engine of ENGINES) {
      const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes });
      guest.cpu.state.setRegister32(1, 0x7fffffff);
      guest.writeWords(PLACE.data, 3);
      guest.run(1 + 5 * 100);
      assert.equal(guest.readWord(PLACE.data + 4), 300);
      // Base and limit: the loop's accesses are now elsewhere, the last one past the end.
      guest.cpu.state.setRegister32(7, 0xff8);
      guest.loadSegment('ds', SELECTOR.limited);
      guest.writeWords(PLACE.data + 0xff8, 5);
      assert.equal(guest.run(2).kind, 'budget', engine);
      assert.equal(guest.readWord(PLACE.data + 0xffc), 5);
      assert.equal(guest.run(1).kind, 'triple-fault', engine);
      assert.equal(guest.cpu.state.ip, PLACE.code + 10, engine);
    }
  });

  it('keeps half of its speed when its data is beside it, in another line of its page', () => {
    const [apart = 0, beside = 0] = speeds(
      (first, second) => second > first / 2 && first > FAST,
      ['translator', loop(String(PLACE.data))],
      ['translator', loop('beside')],
    );
    assert.ok(beside > apart / 2, `${beside.toFixed()} MIPS, apart ${apart.toFixed()}`);
  });
});

describe('Invariant 1: random programs in all engines', function () {
  const PROGRAMS = Number(process.env['FUZZ_PROGRAMS'] ?? 12);
  this.timeout(60_000 + PROGRAMS * 10_000);
  const STOPS = 60;
  const HANDLER = 0x90000;

  before(function () {
    requireTool(this, 'gcc');
  });

  interface Conditions {
    readonly paged: boolean;
    readonly alwaysMiss: boolean;
    readonly interrupts: boolean;
    readonly breakpoints: boolean;
  }

  /** The state at random stops, breakpoints and interrupts included; they come at the same instructions whatever the engine. */
  function trace(engine: EngineName, program: Program, seed: number, conditions: Conditions): unknown[] {
    const random = new Random(seed);
    const guest = new Guest(engine, { code: program.bytes });
    if (conditions.paged) {
      guest.mapIdentity(0x100000);
      guest.enablePaging();
    }
    guest.cpu.memory.alwaysMiss = conditions.alwaysMiss;
    guest.writeBytes(HANDLER, assembledHandler);
    guest.handler(0x20, HANDLER);
    guest.cpu.state.eflags = 0x202;
    guest.cpu.stateChanged();
    const stops: unknown[] = [];
    for (let n = 0; n < STOPS; n++) {
      if (conditions.breakpoints && random.oneIn(4)) {
        const labels = Array.from({ length: random.below(3) }, () => program.at(`b${random.below(12)}`));
        guest.cpu.setBreakpoints(labels);
      }
      const { kind } = guest.run(1 + random.below(random.oneIn(2) ? 12 : 250), { skipFirstBreakpoint: true });
      if (conditions.interrupts && guest.cpu.interruptible) guest.cpu.deliverInterrupt(0x20);
      stops.push({ kind, ...guest.snapshot() });
    }
    return stops;
  }
  const assembledHandler = Uint8Array.of(0xff, 0x05, 0x00, 0x10, 0x09, 0x00, 0xcf); // inc dword ptr [0x91000]; iretd

  it('have the same state at every one of many random stops', () => {
    const first = Number(process.env['FUZZ_SEED'] ?? 1);
    for (let seed = first; seed < first + PROGRAMS; seed++) {
      const program = assemble(randomProgram(new Random(seed)), PLACE.code);
      const conditions = {
        paged: (seed & 1) !== 0,
        alwaysMiss: seed % 3 === 0,
        interrupts: (seed & 2) !== 0,
        breakpoints: seed % 5 < 2,
      };
      const expected = trace('reference', program, seed, conditions);
      for (const engine of FAST_ENGINES)
        assert.deepEqual(trace(engine, program, seed, conditions), expected, `seed ${seed}, ${engine}`);
    }
  });
});
