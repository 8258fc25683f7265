import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { assemble, type Program } from '../support/assembler.ts';
import { FAST_ENGINES, Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';

/** Linear: pages that the strings lie in, the one in the middle of them that may be missing, and where #PF goes. */
const FIRST = 0x40000;
const PAGES = 5;
const MISSING = FIRST + 0x3000;
const HANDLER = 0x90000;
const PAGE_FAULT = 14;
const ROUNDS = 150;

const INSTRUCTIONS = ['movsb', 'movsw', 'movsd', 'stosb', 'stosw', 'stosd'] as const;
const SLOT = 16;

describe('Invariant 3: passes of REP MOVS and STOS that are made at once', function () {
  this.timeout(120_000);
  let program: Program;

  before(function () {
    requireTool(this, 'gcc');
    const code = INSTRUCTIONS.map((name) => `.balign ${SLOT}, 0xf4\n nop\n rep ${name}\n hlt`);
    program = assemble(code.join('\n'), PLACE.code);
  });

  function guestOf(engine: EngineName): Guest {
    const guest = new Guest(engine, { code: program.bytes });
    guest.mapIdentity(0x100000);
    guest.map(MISSING, MISSING, 0);
    guest.enablePaging();
    guest.writeBytes(HANDLER, Uint8Array.of(0xf4));
    guest.handler(PAGE_FAULT, HANDLER);
    return guest;
  }

  /** Runs one instruction with budgets of its own until it ends; the state after each. */
  function trace(guest: Guest, seed: number): unknown[] {
    const random = new Random(seed);
    const { state } = guest.cpu;
    const place = (): number => FIRST + random.below(random.oneIn(4) ? PAGES * 0x1000 : 0x3000);
    const from = place();
    for (let n = 0; n < PAGES * 0x400; n++) guest.writeWords(FIRST + n * 4, random.word());
    state.setRegister32(0, random.word());
    state.setRegister32(1, random.below(random.oneIn(3) ? 4 : 3000));
    state.setRegister32(6, from);
    // Often close to the source, so that elements are read that were written just before.
    state.setRegister32(7, random.oneIn(3) ? from + random.below(9) - 4 : place());
    state.eflags = random.oneIn(5) ? 0x402 : 0x8d7;
    state.ip = PLACE.code + random.below(INSTRUCTIONS.length) * SLOT;
    const selector = random.oneIn(6) ? SELECTOR.limited : SELECTOR.data0;
    guest.loadSegment('es', selector);
    if (selector === SELECTOR.limited) state.setRegister32(7, 0xff0 - random.below(600));
    guest.cpu.wake();
    const stops: unknown[] = [];
    for (;;) {
      const { kind } = guest.run(1 + random.below(random.oneIn(3) ? 4 : 1500));
      stops.push({ kind, ...guest.snapshot(), retired: 0 });
      if (kind !== 'budget') return stops;
    }
  }

  for (const engine of FAST_ENGINES)
    it(`count one each, and stop, fault and overlap as they do one by one (${engine})`, () => {
      const reference = guestOf('reference');
      const guest = guestOf(engine);
      for (let seed = 1; seed <= ROUNDS; seed++)
        assert.deepEqual(trace(guest, seed), trace(reference, seed), `seed ${seed}`);
      assert.equal(guest.cpu.retired, reference.cpu.retired);
    });

  it('stops at a watched element', () => {
    for (const engine of FAST_ENGINES) {
      const guest = guestOf(engine);
      guest.cpu.setWatchpoints([{ linear: FIRST + 0x800, length: 1, access: 'write' }]);
      guest.cpu.state.setRegister32(1, 0x1000);
      guest.cpu.state.setRegister32(7, FIRST);
      guest.cpu.state.ip = PLACE.code + 5 * SLOT;
      const exit = guest.run(10_000);
      assert.equal(exit.kind, 'watchpoint', engine);
      assert.equal(guest.register(7), FIRST + 0x804, engine);
      assert.equal(guest.cpu.retired, 1 + 0x200 + 1, engine);
    }
  });

  it('does not pass over code that it writes to', () => {
    for (const engine of ['reference', ...FAST_ENGINES] as const) {
      // The loop is overwritten by HLT, behind it and then itself.
      const code = assemble(
        `mov edi, offset data
         mov ecx, 0x300
         mov al, 0xf4
         rep stosb
         jmp data
         .balign 64
        data: .fill 64, 1, 0x90
         .balign 64
        late: nop
         jmp late`,
        PLACE.code,
      );
      const guest = new Guest(engine, { code: code.bytes });
      guest.run(4 + 0x300);
      assert.equal(guest.run(10).kind, 'halted', engine);
      assert.equal(guest.cpu.state.ip, code.at('data') + 1, engine);
    }
  });
});
