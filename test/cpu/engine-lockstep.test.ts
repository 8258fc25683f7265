import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { MICRO_OP, MICRO_OPS, MICRO_OPS_END } from '../../src/cpu/layout.ts';
import { assemble, runHosted, type Program } from '../support/assembler.ts';
import { ENGINES, FAST_ENGINES, Guest, PLACE, type Snapshot } from '../support/cpu-harness.ts';
import { prebuiltHandlers } from '../support/prebuilt-handlers.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';
import { LOCKSTEP_RAM, lockstepGuest, trace, workload, workloadSource } from './lockstep.ts';

/** Where an interrupt handler is put. */
const HANDLER = 0x90000;
const source = workloadSource();

describe('Invariant 1: one meaning per instruction, in both engines', function () {
  this.timeout(60_000);
  let program: Program;
  let expected: readonly Snapshot[];
  let expectedPaged: readonly Snapshot[];

  const guestOf = (engine: EngineName, paged = false): Guest => lockstepGuest(engine, program.bytes, paged);

  before(function () {
    requireTool(this, 'gcc');
    program = workload();
    expected = trace(guestOf('reference'), 1, 1500);
    expectedPaged = trace(guestOf('reference', true), 1, 1500);
  });

  it('computes what the same C computes on this computer', () => {
    const guest = guestOf('translator');
    assert.deepEqual(guest.run(1_000_000), { kind: 'halted' });
    const results = Buffer.from(guest.bytes(program.at('results'), 48));
    assert.equal(results.toString('hex'), Buffer.from(runHosted(source)).toString('hex'));
    // The check value of CRC-32 (ISO-HDLC).
    assert.equal(results.readUInt32LE(4), 0xcbf43926);
  });

  it('has the same state at every one of many random stops', () => {
    assert.ok(expected.length > 100);
    assert.deepEqual(trace(guestOf('translator'), 1, 1500), expected);
  });

  it('has it when every access misses the translation cache', () => {
    const guest = guestOf('translator');
    guest.cpu.memory.alwaysMiss = true;
    assert.deepEqual(trace(guest, 1, 1500), expected);
  });

  it('has it with paging on, accessed and dirty bits included', () => {
    assert.deepEqual(trace(guestOf('translator', true), 1, 1500), expectedPaged);
    const missing = guestOf('translator', true);
    missing.cpu.memory.alwaysMiss = true;
    assert.deepEqual(trace(missing, 1, 1500), expectedPaged);
  });

  it('has it with the handlers that are built ahead of time, and without', () => {
    const options = { code: program.bytes };
    for (const engine of FAST_ENGINES) {
      for (const handlers of [prebuiltHandlers, () => undefined])
        assert.deepEqual(trace(new Guest(engine, { ...options, handlers }), 1, 1500), expected, engine);
    }
  });

  it('has it with interrupts at random instructions', () => {
    const interrupted = (engine: EngineName): Snapshot[] => {
      const guest = guestOf(engine);
      const random = new Random(5);
      guest.writeBytes(HANDLER, assemble('inc dword ptr [0x91000]\n iretd', HANDLER).bytes);
      guest.handler(0x20, HANDLER);
      guest.cpu.state.eflags = 0x202;
      guest.cpu.stateChanged();
      const stops: Snapshot[] = [];
      for (let count = 0; count < 300; count++) {
        const exit = guest.run(1 + random.below(400));
        assert.ok(exit.kind === 'budget' || exit.kind === 'attention', exit.kind);
        if (guest.cpu.interruptible) guest.cpu.deliverInterrupt(0x20);
        stops.push(guest.snapshot());
      }
      assert.ok(guest.readWord(0x91000) > 100);
      return stops;
    };
    assert.deepEqual(interrupted('interpreter'), interrupted('reference'));
  });

  describe('with more micro-ops than there is room for', () => {
    /** Micro-ops of the arena, of a block of one jump, and of a block of two instructions (see `interpreter.ts`). */
    const ROOM = (MICRO_OPS_END - MICRO_OPS) / MICRO_OP.size;
    const JUMP = 5;
    const PAIR = 6;

    /** `count` jumps to the next instruction. */
    const jumps = (count: number): string => `.rept ${count}\n .byte 0xeb, 0\n .endr`;

    it('goes on', () => {
      const { bytes } = assemble(`${jumps(70_000)}\n jmp _start`, PLACE.code);
      const guest = new Guest('interpreter', { code: bytes });
      for (const budget of [69_997, 7, 70_001, 773]) assert.equal(guest.run(budget).kind, 'budget');
      assert.equal(guest.cpu.retired, 2 * 70_001 + 776);
      assert.equal(guest.cpu.state.ip, PLACE.code + 2 * 776);
    });

    it('forgets the links of what is gone', () => {
      // The first block is left by a jump that was never taken before, to the block for which there is no room.
      const count = Math.floor((ROOM - 2 * PAIR) / JUMP);
      const program = assemble(
        `test eax, eax\n jnz late\n ${jumps(count)}\n mov eax, 1\n jmp _start\nlate: test eax, eax\n jnz done\n nop\ndone: hlt`,
        PLACE.code,
      );
      const guest = new Guest('interpreter', { code: program.bytes });
      assert.deepEqual(guest.run(200_000), { kind: 'halted' });
      assert.equal(guest.cpu.retired, 2 + count + 2 + 2 + 2 + 1);
      assert.equal(guest.cpu.state.ip, program.at('done') + 1);
    });

    it('still sees code change', () => {
      // There is no room for the first of a row of loops that change themselves.
      const count = Math.floor(ROOM / JUMP);
      const loops = `.rept 4
          mov ecx, 3
        1: inc byte ptr [2f + 2]
        2: add ebx, 0
          dec ecx
          jnz 1b
        .endr`;
      const { bytes } = assemble(`${jumps(count)}\n ${loops}\n hlt`, PLACE.code);
      const guest = new Guest('interpreter', { code: bytes });
      assert.deepEqual(guest.run(200_000), { kind: 'halted' });
      assert.equal(guest.register(3), 4 * (1 + 2 + 3));
    });
  });
});

describe('Invariant 3: exact stops', function () {
  this.timeout(60_000);

  it('run(n) equals n steps, for every n of a stretch with calls, loops and strings', function () {
    requireTool(this, 'gcc');
    const program = assemble(
      `
        mov ecx, 3
      again:
        push ecx
        call fill
        pop ecx
        dec ecx
        jnz again
        mov esi, offset table
      choose:
        lodsd
        test eax, eax
        jz done
        jmp eax
      one:
        add ebx, 5
        cmp ebx, 9
        ja choose
        jmp choose
      done:
        cli
        mov edx, 0x10
        mov ds, dx
        cpuid
        xor eax, eax
        jmp done
      fill:
        lea edi, [ecx*8 + 0x20000]
        mov eax, ecx
        mov ecx, 7
        rep stosb
        movsb
        mov ecx, 5
        mov edi, 0x20000
        repne scasb
        ret
      .balign 4
      table: .long one, one, one, 0
      `,
      PLACE.code,
    );
    const steps = 160;
    for (const engine of ENGINES) {
      const stepped = new Guest('reference', { code: program.bytes });
      const whole = new Guest(engine, { code: program.bytes });
      const restore = whole.save();
      for (let n = 1; n <= steps; n++) {
        assert.equal(stepped.run(1).kind, 'budget');
        restore();
        const before = whole.cpu.retired;
        assert.equal(whole.run(n).kind, 'budget', `run(${n})`);
        const { retired, ...state } = whole.snapshot();
        assert.equal(retired - before, n);
        assert.deepEqual({ ...state, retired: n }, stepped.snapshot(), `after ${n} instructions, ${engine}`);
      }
    }
  });

  it('does not touch what comes after the budget', () => {
    // jmp to a page that is not mapped: the fetch that faults belongs to the next instruction.
    const guest = new Guest('interpreter', { code: Uint8Array.from([0xb8, 0, 0, 0, 0x40, 0xff, 0xe0]) });
    guest.mapIdentity(LOCKSTEP_RAM);
    guest.enablePaging();
    assert.deepEqual(guest.run(2), { kind: 'budget' });
    assert.equal(guest.cpu.state.ip, 0x40000000);
    assert.equal(guest.cpu.retired, 2);
    assert.equal(guest.run(1).kind, 'triple-fault');
  });
});
