import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { CONDITIONS } from '../../src/isa/conditions.ts';
import { assemble, type Program } from '../support/assembler.ts';
import { Guest, PLACE } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';
import { requireTool } from '../support/tools.ts';

/** Linear addresses: #PF goes to a HLT; nothing is mapped at the second; the pairs. */
const HANDLER = 0x90000;
const MISSING = 0x92000;
const CODE = 0x100000;
const PAGE_FAULT = 14;
/** An instruction and what it needs behind it, in bytes. */
const SLOT = 32;

const withOperands = (names: readonly string[], ...operands: readonly string[]): string[] =>
  names.flatMap((name) => operands.map((operand) => `${name} ${operand}`));

/** The kinds of instructions that share handlers with others: memory operands are at ESI, stack operands at ESP. */
const STRAIGHT = [
  ...withOperands(['add', 'sub', 'xor', 'mov'], 'ecx, edx', 'edx, 0x7fffffff'),
  ...withOperands(
    ['cmp', 'test'],
    'ecx, edx',
    'ecx, 5',
    '[esi], ecx',
    'dword ptr [esi], -1',
    'cl, dl',
    'byte ptr [esi], 3',
  ),
  ...withOperands(['cmp'], 'ecx, [esi]', 'cl, [esi]'),
  ...withOperands(['inc', 'dec'], 'ecx', 'edx'),
  ...withOperands(['shl', 'sar'], 'ecx, 3', 'ecx, 32'),
  ...[
    'lea ecx, [edx + eax*4 + 8]',
    'mov ecx, [esi]',
    'mov [esi], ecx',
    'mov esi, [esi]',
    'add ecx, [esi]',
    'add [esi], ecx',
  ],
  ...['push ecx', 'push esp', 'push 5', 'push dword ptr [esi]', 'pop edx', 'pop esp', 'leave', 'sub esp, 16', 'nop'],
];
const JUMPS = [...CONDITIONS.map((name) => `j${name} . + 4`), 'call . + 7', 'jmp . + 4', 'ret', 'ret 4', 'loop . + 4'];
const PAIRS = STRAIGHT.flatMap((first) => [...STRAIGHT, ...JUMPS].map((second) => `${first}\n ${second}`));

/** Where ESI and ESP point at the start, and which pairs go there. */
const PLACES = [
  { name: 'memory that is there', memory: PLACE.data, stack: PLACE.stack, pairs: /./ },
  { name: 'an operand whose page is missing', memory: MISSING, stack: PLACE.stack, pairs: /\[esi\]/ },
  { name: 'an operand that straddles into a missing page', memory: MISSING - 2, stack: PLACE.stack, pairs: /\[esi\]/ },
  { name: 'a stack whose page is missing', memory: PLACE.data, stack: MISSING + 0x800, pairs: /push|pop|call|ret/ },
  { name: 'a stack that ends where memory is missing', memory: PLACE.data, stack: MISSING, pairs: /pop|ret/ },
] as const;

describe('Invariant 1: two instructions with one handler', function () {
  this.timeout(120_000);
  let program: Program;

  before(function () {
    requireTool(this, 'gcc');
    const slots = PAIRS.map((pair) => `.balign ${SLOT}, 0xf4\n ${pair}\n .fill 10, 1, 0xf4`);
    program = assemble(slots.join('\n'), CODE);
  });

  function guestOf(engine: EngineName): Guest {
    const guest = new Guest(engine, { ramSize: 0x200000 });
    guest.writeBytes(CODE, program.bytes);
    guest.mapIdentity(MISSING);
    for (let at = 0; at < program.bytes.length; at += 0x1000) guest.map(CODE + at, CODE + at);
    guest.enablePaging();
    guest.writeBytes(HANDLER, Uint8Array.of(0xf4));
    guest.handler(PAGE_FAULT, HANDLER);
    return guest;
  }

  function begin(guest: Guest, pair: number, { memory, stack }: (typeof PLACES)[number]): void {
    const random = new Random(pair + 1);
    const { state } = guest.cpu;
    for (const index of [0, 1, 2, 3, 5, 7])
      state.setRegister32(index, random.oneIn(3) ? random.below(3) : random.word());
    state.setRegister32(4, stack);
    state.setRegister32(5, PLACE.stack - 64);
    state.setRegister32(6, memory);
    state.eflags = random.word() & 0x8d5;
    state.ip = CODE + pair * SLOT;
    guest.writeWords(PLACE.data, random.word(), random.word());
    guest.writeWords(PLACE.stack - 64, ...Array.from({ length: 24 }, () => CODE + random.below(64)));
    guest.cpu.wake();
  }

  function seen(guest: Guest): unknown[] {
    const { ip, eflags } = guest.cpu.state;
    const memory = [guest.bytes(PLACE.data, 16), guest.bytes(PLACE.stack - 128, 160)];
    return [ip, eflags, guest.registers, memory.map((bytes) => Buffer.from(bytes).toString('hex'))];
  }

  for (const places of PLACES)
    it(`does what they do one after the other: ${places.name}`, () => {
      const reference = guestOf('reference');
      const together = guestOf('interpreter');
      const missing = guestOf('interpreter');
      missing.cpu.memory.alwaysMiss = true;
      PAIRS.forEach((pair, number) => {
        if (!places.pairs.test(pair)) return;
        const run = (guest: Guest, ...budgets: readonly number[]): unknown[] => {
          begin(guest, number, places);
          return budgets.flatMap((budget) => [guest.run(budget).kind, ...seen(guest)]);
        };
        const one = run(reference, 1);
        assert.deepEqual(run(together, 1), one, `the first of ${pair}`);
        const two = run(reference, 2);
        assert.deepEqual(run(together, 2), two, pair);
        assert.deepEqual(run(missing, 2), two, `${pair}, without translations`);
        // The second half alone, behind a stop.
        assert.deepEqual(run(together, 1, 1), run(reference, 1, 1), `${pair}, in two runs`);
      });
    });
});
