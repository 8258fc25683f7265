import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { CpuFault } from '../../src/cpu/fault.ts';
import { assemble } from '../support/assembler.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

/** Linear addresses with a page of their own. */
const READ_ONLY = 0x90000;
const SUPERVISOR = 0x91000;
const MISSING = 0x92000;
const AFTER_MISSING = 0x93000;
/** Present, accessed and dirty, so that no access has anything to note in the tables. */
const WRITABLE = 0x63;

interface FaultCase {
  readonly name: string;
  readonly code: string;
  /** Instructions before the one that faults. */
  readonly before?: number;
  readonly setUp?: (guest: Guest) => void;
  readonly vector: number;
  readonly errorCode?: number;
  readonly reason: string;
  readonly operands?: Readonly<Record<string, number>>;
}

const useSegment =
  (selector: number) =>
  (guest: Guest): void =>
    guest.loadSegment('ds', selector);

/** The PTEs of the pages above, as the reason of a fault shows them: bits are those of SDM 3, table 4-6. */
const NOT_PRESENT = 'page table entry not present (PTE 146 at phys:0x00005248 is 0x00000000)';
const NOT_WRITABLE = 'page is read-only and CR0.WP is 1 (PTE 144 at phys:0x00005240 is 0x00090065 P U A D)';
const NOT_USER = 'supervisor page, access at CPL 3 (PTE 145 at phys:0x00005244 is 0x00091063 P W A D)';
/** An address as reasons name it. */
const linear = (address: number): string => `lin:0x${address.toString(16).padStart(8, '0')}`;

const CASES: readonly FaultCase[] = [
  {
    name: 'PUSH of memory whose push faults',
    code: `mov esp, ${AFTER_MISSING}\n push dword ptr [0x20000]`,
    before: 1,
    vector: 14,
    errorCode: 2,
    reason: `write of ${linear(AFTER_MISSING - 4)}: ${NOT_PRESENT}`,
    operands: { address: AFTER_MISSING - 4 },
  },
  {
    name: 'POP into memory that is missing',
    code: `pop dword ptr [${MISSING}]`,
    vector: 14,
    errorCode: 2,
    reason: `write of ${linear(MISSING)}: ${NOT_PRESENT}`,
    operands: { address: MISSING },
  },
  {
    name: 'CALL whose return address cannot be pushed',
    code: `mov esp, ${AFTER_MISSING}\n call . + 0x20`,
    before: 1,
    vector: 14,
    errorCode: 2,
    reason: `write of ${linear(AFTER_MISSING - 4)}: ${NOT_PRESENT}`,
  },
  {
    name: 'XCHG with a read-only page and CR0.WP',
    code: `xchg eax, [${READ_ONLY}]`,
    vector: 14,
    errorCode: 3,
    reason: `write of ${linear(READ_ONLY)}: ${NOT_WRITABLE}`,
    operands: { address: READ_ONLY },
  },
  {
    name: 'ADD to a read-only page and CR0.WP',
    code: `add dword ptr [${READ_ONLY + 8}], 5`,
    vector: 14,
    errorCode: 3,
    reason: `write of ${linear(READ_ONLY + 8)}: ${NOT_WRITABLE}`,
  },
  {
    name: 'CMPXCHG that would not store',
    code: `mov eax, 1\n cmpxchg [${READ_ONLY}], ecx`,
    before: 1,
    vector: 14,
    errorCode: 3,
    reason: `write of ${linear(READ_ONLY)}: ${NOT_WRITABLE}`,
  },
  {
    name: 'a store that straddles into a missing page',
    code: `mov dword ptr [${MISSING - 2}], 0x11223344`,
    vector: 14,
    errorCode: 2,
    reason: `write of ${linear(MISSING)}: ${NOT_PRESENT}`,
    operands: { address: MISSING },
  },
  {
    name: 'a load that straddles into a missing page',
    code: `mov eax, [${MISSING - 1}]`,
    vector: 14,
    errorCode: 0,
    reason: `read of ${linear(MISSING)}: ${NOT_PRESENT}`,
    operands: { address: MISSING },
  },
  {
    name: 'CMPXCHG8B across the edge of a read-only page',
    code: `cmpxchg8b [${READ_ONLY - 4}]`,
    vector: 14,
    errorCode: 3,
    reason: `write of ${linear(READ_ONLY)}: ${NOT_WRITABLE}`,
    operands: { address: READ_ONLY },
  },
  {
    name: 'a supervisor page at CPL 3',
    code: `mov eax, [${SUPERVISOR}]`,
    setUp: (guest) => guest.enterLevel(3),
    vector: 14,
    errorCode: 5,
    reason: `read of ${linear(SUPERVISOR)}: ${NOT_USER}`,
  },
  {
    name: 'a jump into a missing page',
    code: `mov eax, ${MISSING}\n jmp eax`,
    before: 2,
    vector: 14,
    errorCode: 0,
    reason: `fetch of ${linear(MISSING)}: ${NOT_PRESENT}`,
    operands: { address: MISSING },
  },
  {
    name: 'DIV by zero',
    code: 'xor ecx, ecx\n div ecx',
    before: 1,
    vector: 0,
    reason: 'division by zero',
    operands: { dividend: 0x2_1111_1110 },
    setUp: (guest) => {
      guest.cpu.state.setRegister32(0, 0x11111110);
      guest.cpu.state.setRegister32(2, 2);
    },
  },
  {
    name: 'DIV whose quotient does not fit',
    code: 'mov edx, 5\n mov ecx, 5\n div ecx',
    before: 2,
    vector: 0,
    reason: 'the quotient does not fit',
  },
  {
    name: 'IDIV of the lowest number by -1',
    code: 'mov edx, 0x80000000\n xor eax, eax\n mov ecx, -1\n idiv ecx',
    before: 3,
    vector: 0,
    reason: 'the quotient does not fit',
  },
  { name: 'AAM 0', code: '.byte 0xd4, 0', vector: 0, reason: 'AAM with base 0' },
  {
    name: 'BOUND',
    code: 'mov eax, 9\n bound eax, [0x20000]',
    before: 1,
    setUp: (guest) => guest.writeWords(0x20000, 2, 8),
    vector: 5,
    reason: 'the index is outside the bounds',
    operands: { index: 9, lower: 2, upper: 8 },
  },
  { name: 'UD2', code: 'ud2', vector: 6, reason: 'UD2 is an undefined instruction on purpose' },
  {
    name: 'UD0',
    code: '.byte 0x0f, 0xff',
    vector: 6,
    reason: 'UD0 and UD1 are undefined instructions on purpose',
  },
  {
    name: 'LOCK where it may not stand',
    code: '.byte 0xf0, 0x90',
    vector: 6,
    reason: 'these bytes are no instruction',
  },
  {
    name: 'an instruction of more than 15 bytes',
    code: '.fill 15, 1, 0x66\n nop',
    vector: 13,
    errorCode: 0,
    reason: 'the instruction is longer than 15 bytes',
  },
  {
    name: 'the limit of a data segment',
    code: 'mov eax, [0xffd]',
    setUp: useSegment(SELECTOR.limited),
    vector: 13,
    errorCode: 0,
    reason: 'DS offset 0xffd, 4 bytes, is past the limit 0xfff',
    operands: { selector: SELECTOR.limited, offset: 0xffd, bytes: 4, limit: 0xfff, write: 0 },
  },
  {
    name: 'a write below an expand-down segment',
    code: 'mov byte ptr [0xfff], 1',
    setUp: useSegment(SELECTOR.expandDown),
    vector: 13,
    errorCode: 0,
    reason: 'DS offset 0xfff is not above the limit 0xfff of an expand-down segment',
  },
  {
    name: 'the limit of the stack segment',
    code: 'mov esp, 0x1002\n push eax',
    before: 1,
    setUp: (guest) => guest.loadSegment('ss', SELECTOR.limited),
    vector: 12,
    errorCode: 0,
    reason: 'SS offset 0xffe, 4 bytes, is past the limit 0xfff',
  },
  {
    name: 'a write to read-only data',
    code: 'mov [0x20000], eax',
    setUp: useSegment(SELECTOR.readOnly),
    vector: 13,
    errorCode: 0,
    reason: 'DS 0x0050 is read-only data: a write needs writable data',
  },
  {
    name: 'a read-modify-write of read-only data',
    code: 'inc dword ptr [0x20000]',
    setUp: useSegment(SELECTOR.readOnly),
    vector: 13,
    errorCode: 0,
    reason: 'DS 0x0050 is read-only data: a write needs writable data',
  },
  {
    name: 'a write through CS',
    code: 'mov cs:[0x20000], eax',
    vector: 13,
    errorCode: 0,
    reason: 'CS 0x0008 is code: a write needs writable data',
  },
  {
    name: 'a read of execute-only code',
    code: 'mov eax, cs:[0x20000]',
    setUp: (guest) => guest.loadSegment('cs', SELECTOR.executeOnly),
    vector: 13,
    errorCode: 0,
    reason: 'CS 0x0058 is execute-only code',
  },
  {
    name: 'a null selector',
    code: 'mov eax, [0x20000]',
    setUp: (guest) => guest.cpu.state.setSegment(3, { selector: 3, base: 0, limit: 0, access: 0 }),
    vector: 13,
    errorCode: 0,
    reason: 'DS holds the null selector 0x0003',
  },
  {
    name: 'an instruction past the CS limit',
    code: 'jmp 1f; .org 0xffe; 1: mov eax, 5',
    before: 1,
    setUp: (guest) => guest.loadSegment('cs', SELECTOR.limitedCode),
    vector: 13,
    errorCode: 0,
    reason: 'instruction at CS offset 0x10ffe is past the CS limit 0x10fff',
  },
  ...[
    ['JMP', 'jmp 0x11000'],
    ['a taken Jcc', 'cmp eax, eax; je 0x11000', 1],
    ['a taken LOOP', 'jmp 1f; .org 0xff0; 1: .byte 0xe2, 0x7e', 1],
    ['CALL', 'call 0x11000'],
    ['an indirect JMP', 'mov eax, 0x11000; jmp eax', 1],
    ['an indirect CALL', 'mov eax, 0x11000; call eax', 1],
    ['RET', 'push 0x11000; ret', 1],
  ].map(([name, code, before]) => ({
    name: `${name} past the CS limit, at the jump (SDM 2, JMP)`,
    code: String(code),
    ...(before === undefined ? {} : { before: Number(before) }),
    setUp: (guest: Guest) => guest.loadSegment('cs', SELECTOR.limitedCode),
    vector: 13,
    errorCode: 0,
    reason: 'the target is past the CS limit',
    operands: { limit: 0x10fff },
  })),
  {
    name: 'a privileged instruction at CPL 3, whatever its operand',
    code: `lgdt [${MISSING}]`,
    setUp: (guest) => guest.enterLevel(3),
    vector: 13,
    errorCode: 0,
    reason: 'LGDT needs CPL 0',
    operands: { cpl: 3 },
  },
  {
    name: 'OUTS at CPL 3 without the permission, whatever its operand',
    code: `mov esi, ${MISSING}\n outsb`,
    before: 1,
    setUp: (guest) => guest.enterLevel(3),
    vector: 13,
    errorCode: 0,
    reason: 'port 0x0: CPL 3 is above IOPL 0, and TR holds no 32-bit TSS with a permission bitmap',
  },
];

function guestOf(engine: EngineName, source: string): Guest {
  const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes });
  guest.mapIdentity(0x90000, 0x67);
  guest.map(READ_ONLY, READ_ONLY, 0x65);
  guest.map(SUPERVISOR, SUPERVISOR, WRITABLE);
  guest.enablePaging();
  return guest;
}

/** The first fault of the chain that a run without handlers ends with. */
function faultOf(guest: Guest, budget: number): CpuFault {
  const exit = guest.run(budget);
  assert.equal(exit.kind, 'triple-fault');
  const [fault] = exit.chain;
  assert.ok(fault instanceof CpuFault);
  return fault;
}

for (const engine of ENGINES) {
  describe(`Invariant 6: a fault carries its reason and leaves the state as it was (${engine})`, () => {
    before(function () {
      requireTool(this, 'gcc');
    });

    for (const one of CASES) {
      it(one.name, () => {
        for (const cold of [false, true]) {
          const guest = guestOf(engine, one.code);
          guest.cpu.memory.alwaysMiss = cold;
          one.setUp?.(guest);
          const { before = 0 } = one;
          if (before > 0) assert.equal(guest.run(before).kind, 'budget');
          const state = guest.snapshot();
          const fault = faultOf(guest, 1);
          assert.deepEqual(
            { vector: fault.vector, errorCode: fault.errorCode, reason: fault.reason },
            { vector: one.vector, errorCode: one.errorCode, reason: one.reason },
          );
          for (const [name, value] of Object.entries(one.operands ?? {}))
            assert.equal(fault.operands[name], value, name);
          assert.deepEqual(guest.snapshot(), state);
          // In one run the instructions before it are done, and the fault is the same.
          const whole = guestOf(engine, one.code);
          one.setUp?.(whole);
          assert.equal(faultOf(whole, 1000).reason, one.reason);
          assert.deepEqual(whole.snapshot(), state);
        }
      });
    }

    it('REP MOVSD stops before the element that faults and goes on when the page has come', () => {
      const guest = guestOf(engine, `mov esi, 0x20000\n mov edi, ${MISSING - 10}\n mov ecx, 5\n rep movsd\n hlt`);
      guest.map(MISSING - 0x1000, SUPERVISOR, 0x67);
      guest.cpu.stateChanged();
      guest.bytes(0x20000, 20).forEach((_, n, bytes) => (bytes[n] = n + 1));
      const fault = faultOf(guest, 1000);
      assert.equal(fault.operands['address'], MISSING);
      assert.deepEqual(
        [guest.register(1), guest.register(6), guest.register(7)],
        [3, 0x20008, MISSING - 2],
        'two elements are done',
      );
      assert.deepEqual([...guest.bytes(SUPERVISOR + 0xffe, 2)], [0, 0], 'no half of the third');
      assert.equal(guest.cpu.retired, 3 + 2);
      guest.map(MISSING, AFTER_MISSING, 0x67);
      guest.cpu.stateChanged();
      assert.deepEqual(guest.run(1000), { kind: 'halted' });
      assert.deepEqual([...guest.bytes(SUPERVISOR + 0xff6, 10)], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      assert.deepEqual([...guest.bytes(AFTER_MISSING, 10)], [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    });

    it('delivers the fault to its handler with the error code, and CR2 names the address', () => {
      const program = assemble(
        `mov esp, 0x80000\n mov eax, [${MISSING + 4}]\n hlt\nhandler: pop ebx\n pop ecx\n mov edx, cr2\n hlt`,
        PLACE.code,
      );
      const guest = guestOf(engine, 'nop');
      guest.writeBytes(PLACE.code, program.bytes);
      guest.handler(14, program.at('handler'));
      guest.cpu.stateChanged();
      const events: string[] = [];
      guest.cpu.onFault.on(({ fault, ip, instruction }) =>
        events.push(`#${fault.vector} at ${ip.toString(16)}, instruction ${instruction}: ${fault.reason}`),
      );
      assert.deepEqual(guest.run(100), { kind: 'halted' });
      assert.deepEqual([guest.register(3), guest.register(1), guest.register(2)], [0, PLACE.code + 5, MISSING + 4]);
      assert.deepEqual(events, [
        `#14 at ${(PLACE.code + 5).toString(16)}, instruction 1: read of ${linear(MISSING + 4)}: ${NOT_PRESENT}`,
      ]);
      assert.equal(guest.cpu.retired, 1 + 1 + 4);
    });

    it('probes and writes above 2 GiB like anywhere else', () => {
      const guest = guestOf(engine, `mov dword ptr [0xc0000ffe], 0x44332211\n add dword ptr [0xc0000ffe], 1\n hlt`);
      guest.map(0xc0000000, 0x30000);
      guest.map(0xc0001000, 0x40000);
      guest.cpu.stateChanged();
      assert.deepEqual(guest.run(10), { kind: 'halted' });
      assert.deepEqual([...guest.bytes(0x30ffe, 2), ...guest.bytes(0x40000, 2)], [0x12, 0x22, 0x33, 0x44]);
    });
  });
}
