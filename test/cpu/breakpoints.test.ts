import assert from 'node:assert/strict';
import { assemble, type Program } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE, type Snapshot } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';

const SOURCE = `
    mov esi, 3
  outer:
    mov ecx, 5
  inner:
    add eax, ecx
  decrement:
    dec ecx
  jump:
    jnz inner
  strings:
    mov edi, 0x20000
    mov ecx, 4
  repeat:
    rep stosd
  compare:
    cmp eax, 100
  above:
    ja call
    nop
  call:
    call function
  slow:
    cpuid
    mov eax, 1
    dec esi
    jnz outer
  end:
    hlt
  function:
    push ebx
  body:
    inc ebx
    pop ebx
    ret
`;

for (const engine of ENGINES) {
  describe(`Invariant 3: exact stops at breakpoints (${engine})`, () => {
    let program: Program;
    const guestOf = (): Guest => new Guest(engine, { code: program.bytes });

    before(function () {
      requireTool(this, 'gcc');
      program = assemble(SOURCE, PLACE.code);
    });

    /** Names of the places where a run stops, going on each time, up to HLT. */
    const stopsOf = (guest: Guest, skipFirstBreakpoint = true): string[] => {
      const names = new Map([...program.symbols].map(([name, address]) => [address, name]));
      const stops: string[] = [];
      for (let skip = false; ; skip = skipFirstBreakpoint) {
        const exit = guest.run(100_000, { skipFirstBreakpoint: skip });
        if (exit.kind === 'halted') return stops;
        assert.equal(exit.kind, 'breakpoint');
        stops.push(names.get(guest.cpu.state.ip) ?? guest.cpu.state.ip.toString(16));
        assert.ok(stops.length < 1000);
      }
    };
    const times = (count: number, ...names: readonly string[]): string[] =>
      Array.from({ length: count }, () => names).flat();

    it('stops before the first instruction of a block, each time it comes there', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([program.at('inner')]);
      assert.deepEqual(stopsOf(guest), times(15, 'inner'));
    });

    it('stops before either half of a fused pair', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([program.at('decrement')]);
      assert.deepEqual(stopsOf(guest), times(15, 'decrement'));
      const second = guestOf();
      second.cpu.setBreakpoints([program.at('jump')]);
      assert.deepEqual(stopsOf(second), times(15, 'jump'));
      const both = guestOf();
      both.cpu.setBreakpoints([program.at('compare'), program.at('above')]);
      assert.deepEqual(stopsOf(both), times(3, 'compare', 'above'));
    });

    it('stops before each element of a REP instruction', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([program.at('repeat')]);
      assert.deepEqual(stopsOf(guest), times(3 * 4, 'repeat'));
    });

    it('stops before an instruction that the evaluator runs, after CALL and before HLT', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([program.at('slow'), program.at('function'), program.at('end')]);
      assert.deepEqual(stopsOf(guest), [...times(3, 'function', 'slow'), 'end']);
    });

    it('stays where it is unless told to skip', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([PLACE.code]);
      assert.deepEqual(guest.run(10), { kind: 'breakpoint' });
      assert.deepEqual(guest.run(10), { kind: 'breakpoint' });
      assert.equal(guest.cpu.retired, 0);
      assert.deepEqual(guest.run(10, { skipFirstBreakpoint: true }), { kind: 'budget' });
      assert.equal(guest.cpu.retired, 10);
    });

    it('skips the first only: a jump to itself stops', () => {
      const guest = new Guest(engine, { code: Uint8Array.from([0xeb, 0xfe]) });
      guest.cpu.setBreakpoints([PLACE.code]);
      assert.deepEqual(guest.run(10, { skipFirstBreakpoint: true }), { kind: 'breakpoint' });
      assert.equal(guest.cpu.retired, 1);
    });

    it('takes breakpoints that are set and removed in code that already ran', () => {
      const guest = guestOf();
      guest.run(30);
      guest.cpu.setBreakpoints([program.at('body')]);
      assert.deepEqual(guest.run(1000), { kind: 'breakpoint' });
      assert.equal(guest.cpu.state.ip, program.at('body'));
      guest.cpu.setBreakpoints([program.at('jump')]);
      assert.deepEqual(guest.run(1000), { kind: 'breakpoint' });
      assert.equal(guest.cpu.state.ip, program.at('jump'));
      guest.cpu.setBreakpoints([]);
      assert.deepEqual(guest.run(1000), { kind: 'halted' });
    });

    it('stops before an instruction that straddles two pages', () => {
      const straddling = assemble(
        'mov ecx, 2\n again: jmp far_away\n .org 0xffe\n far_away: mov eax, 0x01020304\n dec ecx\n jnz again\n hlt',
        PLACE.code,
      );
      const guest = new Guest(engine, { code: straddling.bytes });
      guest.cpu.setBreakpoints([straddling.at('far_away')]);
      for (const retired of [2, 6]) {
        assert.deepEqual(guest.run(100, { skipFirstBreakpoint: true }), { kind: 'breakpoint' });
        assert.equal(guest.cpu.state.ip, straddling.at('far_away'));
        assert.equal(guest.cpu.retired, retired);
      }
      assert.deepEqual(guest.run(100, { skipFirstBreakpoint: true }), { kind: 'halted' });
    });

    it('stops before an instruction whose fetch would fault', () => {
      const guest = new Guest(engine, { code: Uint8Array.from([0xb8, 0, 0, 0, 0x40, 0xff, 0xe0]) });
      guest.mapIdentity(0x90000);
      guest.enablePaging();
      guest.cpu.setBreakpoints([0x40000000]);
      assert.deepEqual(guest.run(10), { kind: 'breakpoint' });
      assert.equal(guest.cpu.state.ip, 0x40000000);
    });

    it('knows them by linear address, whatever the base of CS', () => {
      const guest = guestOf();
      guest.loadSegment('cs', 0x38);
      guest.cpu.state.ip = 0;
      guest.cpu.setBreakpoints([program.at('function')]);
      assert.deepEqual(guest.run(1000), { kind: 'breakpoint' });
      assert.equal(guest.cpu.state.ip, program.at('function') - PLACE.code);
    });

    it('the budget comes before the breakpoint at the place where it ends', () => {
      const guest = guestOf();
      guest.cpu.setBreakpoints([program.at('inner')]);
      assert.deepEqual(guest.run(2), { kind: 'budget' });
      assert.equal(guest.cpu.state.ip, program.at('inner'));
      assert.deepEqual(guest.run(2), { kind: 'breakpoint' });
      assert.equal(guest.cpu.retired, 2);
    });
  });
}

describe('Invariant 3: breakpoints leave no trace', function () {
  this.timeout(30_000);

  it('random sets of breakpoints, changed all the time, stop where stepping comes by', function () {
    requireTool(this, 'gcc');
    const program = assemble(SOURCE, PLACE.code);
    const random = new Random(7);
    const steps: Snapshot[] = [];
    const stepped = new Guest('reference', { code: program.bytes });
    while (stepped.run(1).kind === 'budget') steps.push(stepped.snapshot());
    const addresses = [...new Set(steps.map(({ ip }) => ip))];
    for (let round = 0; round < 60; round++) {
      const guest = new Guest('interpreter', { code: program.bytes });
      let position = 0;
      for (;;) {
        const breakpoints = new Set(Array.from({ length: random.below(6) }, () => random.pick(addresses)));
        guest.cpu.setBreakpoints(breakpoints);
        const budget = 1 + random.below(40);
        const skipFirstBreakpoint = random.oneIn(2);
        const here = steps[position - 1]?.ip ?? PLACE.code;
        let expected = position;
        const stays = breakpoints.has(here) && !skipFirstBreakpoint;
        if (!stays) {
          do expected++;
          while (
            expected < position + budget &&
            expected <= steps.length &&
            !breakpoints.has(steps[expected - 1]?.ip ?? 0)
          );
        }
        const exit = guest.run(budget, { skipFirstBreakpoint });
        if (exit.kind === 'halted') {
          assert.equal(guest.cpu.retired, steps.length + 1);
          break;
        }
        const kind = stays || expected < position + budget ? 'breakpoint' : 'budget';
        assert.deepEqual([exit.kind, guest.cpu.retired], [kind, expected], `round ${round} at ${position}`);
        position = expected;
        if (position > 0) assert.deepEqual(guest.snapshot(), steps[position - 1]);
      }
    }
  });
});
