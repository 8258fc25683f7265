import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { EXCEPTIONS } from '../../../src/x86/exceptions.ts';
import { assemble, type Program } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';

/** An absent data segment. */
const ABSENT = 0x70;
/** A linear page without memory behind it. */
const UNMAPPED = 0x90000;
/** Bits of EFLAGS, CR0 and CR4. */
const RF = 0x10000;
const AC = 0x40000;
const TS = 0x8;
const ALIGNMENT_MASK = 0x40000;
const OSFXSR_OSXMMEXCPT = 0x600;

/** One exception of a small guest: what raises it and what its handler finds. */
interface Case {
  readonly name: string;
  /** Has a label `at`: the pushed EIP. */
  readonly source: string;
  readonly vector: number;
  readonly errorCode?: number;
  /** RF in the pushed EFLAGS (SDM 3, 17.3.1.1): 1 for faults but instruction breakpoints. */
  readonly rf: boolean;
  readonly cr2?: number;
  readonly cpl?: 3;
  /** Pushed CS, where it is not the flat one. */
  readonly cs?: number;
  /** Paging is on, one to one up to {@link UNMAPPED}. */
  readonly paged?: true;
  readonly eflags?: number;
  readonly cr0?: number;
  readonly cr4?: number;
  readonly before?: (guest: Guest, at: number) => void;
}

const breakpointAt = (guest: Guest, at: number): void => {
  guest.cpu.state.setDebugRegister(0, at);
  guest.cpu.state.setDebugRegister(7, 1);
};
const DIVIDE_BY_ZERO = 'fninit; push 0x37b; fldcw [esp]; fld1; fldz; fdivp st(1), st;';

/** SDM 3, 6.15, "Interrupt 0" to "Interrupt 19"; 9 is of the 80387 alone, and 18 needs a machine check, which this machine lacks. */
const EVERY: readonly Case[] = [
  { name: '#DE of DIV by 0', source: 'xor ecx, ecx; at: div ecx', vector: 0, rf: true },
  { name: '#DE of a quotient that does not fit', source: 'mov ax, 0x200; mov cl, 1; at: idiv cl', vector: 0, rf: true },
  { name: '#DB after a single step', source: 'nop; at: nop', vector: 1, rf: false, eflags: 0x102 },
  { name: '#DB of an instruction breakpoint', source: 'at: nop', vector: 1, rf: false, before: breakpointAt },
  { name: '#DB of general detect', source: 'mov eax, 0x2000; mov dr7, eax; at: mov eax, dr0', vector: 1, rf: true },
  { name: '#DB of INT1', source: '.byte 0xf1; at: nop', vector: 1, rf: false },
  { name: 'NMI', source: 'at: nop', vector: 2, rf: false, before: ({ cpu }) => cpu.deliverNonMaskable() },
  { name: '#BP', source: 'int3; at: nop', vector: 3, rf: false },
  { name: '#OF', source: 'mov al, 0x7f; inc al; into; at: nop', vector: 4, rf: false },
  { name: '#BR', source: 'mov eax, 9; at: bound eax, [bounds]', vector: 5, rf: true },
  { name: '#UD', source: 'at: ud2', vector: 6, rf: true },
  { name: '#UD of LOCK', source: 'at: .byte 0xf0; nop', vector: 6, rf: true },
  { name: '#NM', source: 'at: fnop', vector: 7, rf: true, cr0: TS },
  { name: '#NM of WAIT', source: 'at: wait', vector: 7, rf: true, cr0: TS | 2 },
  { name: '#DF', source: `at: mov eax, fs:[0x1000]`, vector: 8, errorCode: 0, rf: false, before: withoutGate(13) },
  { name: '#TS', source: 'at: iretd', vector: 10, errorCode: SELECTOR.data0, rf: true, eflags: 0x4002 },
  { name: '#NP', source: `mov eax, ${ABSENT}; at: mov gs, eax`, vector: 11, errorCode: ABSENT, rf: true },
  { name: '#SS(selector)', source: `mov eax, ${ABSENT}; at: mov ss, eax`, vector: 12, errorCode: ABSENT, rf: true },
  {
    name: '#SS(0)',
    source: `mov eax, ${SELECTOR.stack16}; mov ss, eax; mov esp, 0x7000; at: mov eax, ss:[0x10000]`,
    vector: 12,
    errorCode: 0,
    rf: true,
  },
  { name: '#GP(0)', source: 'at: mov eax, fs:[0x1000]', vector: 13, errorCode: 0, rf: true },
  { name: '#GP(selector)', source: 'mov eax, 0x7ffb; at: mov gs, eax', vector: 13, errorCode: 0x7ff8, rf: true },
  { name: '#GP(vector)', source: 'at: int 0x90', vector: 13, errorCode: 0x90 * 8 + 2, rf: true },
  {
    name: '#GP(vector) of a gate for CPL 0',
    source: 'at: int 0x1f',
    vector: 13,
    errorCode: 0x1f * 8 + 2,
    rf: true,
    cpl: 3,
  },
  { name: '#GP(0) of a privileged instruction', source: 'at: hlt', vector: 13, errorCode: 0, rf: true, cpl: 3 },
  {
    name: '#PF of a read',
    source: `at: mov eax, [${UNMAPPED}]`,
    vector: 14,
    errorCode: 0,
    rf: true,
    cr2: UNMAPPED,
    paged: true,
  },
  {
    name: '#PF of a write',
    source: `at: mov [${UNMAPPED + 1}], al`,
    vector: 14,
    errorCode: 2,
    rf: true,
    cr2: UNMAPPED + 1,
    paged: true,
  },
  {
    name: '#PF of the second page',
    source: `at: mov [${UNMAPPED - 2}], eax`,
    vector: 14,
    errorCode: 2,
    rf: true,
    cr2: UNMAPPED,
    paged: true,
  },
  {
    name: '#PF of a read at CPL 3',
    source: `at: mov eax, [${UNMAPPED}]`,
    vector: 14,
    errorCode: 4,
    rf: true,
    cr2: UNMAPPED,
    paged: true,
    cpl: 3,
  },
  {
    name: '#PF of a supervisor page',
    source: 'at: mov eax, [0x31000]',
    vector: 14,
    errorCode: 5,
    rf: true,
    cr2: 0x31000,
    paged: true,
    cpl: 3,
  },
  {
    name: '#PF of a write to a read-only page',
    source: 'at: inc dword ptr [0x30000]',
    vector: 14,
    errorCode: 3,
    rf: true,
    cr2: 0x30000,
    paged: true,
  },
  {
    name: '#PF of a write to a read-only page at CPL 3',
    source: 'at: mov [0x30004], eax',
    vector: 14,
    errorCode: 7,
    rf: true,
    cr2: 0x30004,
    paged: true,
    cpl: 3,
  },
  {
    name: '#MF at the next waiting instruction',
    source: `${DIVIDE_BY_ZERO} nop; at: wait`,
    vector: 16,
    rf: true,
    cr0: 0x20,
  },
  {
    name: '#AC',
    source: 'at: mov eax, [0x20001]',
    vector: 17,
    errorCode: 0,
    rf: true,
    cpl: 3,
    eflags: AC | 2,
    cr0: ALIGNMENT_MASK,
  },
  {
    name: '#XM',
    source: 'push 0x1d80; ldmxcsr [esp]; xorps xmm0, xmm0; movss xmm1, [ones]; at: divss xmm1, xmm0',
    vector: 19,
    rf: true,
    cr4: OSFXSR_OSXMMEXCPT,
  },
];

/** SDM 3, table 6-2: of two exceptions at one boundary the higher class comes first. */
const PRIORITIES: readonly Case[] = [
  {
    name: 'single step of the instruction before, then #UD',
    source: 'nop; at: ud2',
    vector: 1,
    rf: false,
    eflags: 0x102,
  },
  {
    name: 'single step of the instruction before, then its breakpoint',
    source: 'nop; at: nop',
    vector: 1,
    rf: false,
    eflags: 0x102,
    before: breakpointAt,
  },
  { name: 'instruction breakpoint before #UD', source: 'at: ud2', vector: 1, rf: false, before: breakpointAt },
  {
    name: 'instruction breakpoint before #PF of the fetch',
    source: `jmp unmapped; .set at, ${UNMAPPED}`,
    vector: 1,
    rf: false,
    paged: true,
    before: breakpointAt,
  },
  {
    name: '#GP of the fetch before #UD',
    source: `ljmp ${SELECTOR.limitedCode}, 0x10fff; .set at, 0x11000`,
    vector: 13,
    errorCode: 0,
    rf: true,
    cs: SELECTOR.limitedCode,
    before: atEndOfSegment,
  },
  {
    name: '#PF of the fetch before what the bytes would raise',
    source: `jmp unmapped; .set at, ${UNMAPPED}`,
    vector: 14,
    errorCode: 0,
    rf: true,
    cr2: UNMAPPED,
    paged: true,
  },
  { name: '#UD before #NM', source: 'at: .byte 0xf0; fnop', vector: 6, rf: true, cr0: TS },
  { name: '#UD before #GP', source: 'at: .byte 0xf0; hlt', vector: 6, rf: true, cpl: 3 },
  { name: '#UD before #PF', source: `at: .byte 0xf0; mov [${UNMAPPED}], eax`, vector: 6, rf: true, paged: true },
  { name: '#NM before #GP', source: 'at: fld dword ptr fs:[0x1000]', vector: 7, rf: true, cr0: TS },
  { name: '#NM before #PF', source: `at: fld dword ptr [${UNMAPPED}]`, vector: 7, rf: true, cr0: TS, paged: true },
  {
    name: '#GP of the limit before #PF',
    source: `at: mov eax, es:[${UNMAPPED}]`,
    vector: 13,
    errorCode: 0,
    rf: true,
    paged: true,
    before: limitExtra,
  },
  {
    name: '#GP of the limit before #AC',
    source: 'at: mov eax, fs:[0xffd]',
    vector: 13,
    errorCode: 0,
    rf: true,
    cpl: 3,
    eflags: AC | 2,
    cr0: ALIGNMENT_MASK,
  },
  {
    name: '#AC before #PF, as the host CPU does (SIGBUS)',
    source: `at: mov eax, [${UNMAPPED + 1}]`,
    vector: 17,
    errorCode: 0,
    rf: true,
    paged: true,
    cpl: 3,
    eflags: AC | 2,
    cr0: ALIGNMENT_MASK,
  },
  {
    name: '#PF of the divisor before #DE',
    source: `at: div dword ptr [${UNMAPPED}]`,
    vector: 14,
    errorCode: 0,
    rf: true,
    cr2: UNMAPPED,
    paged: true,
  },
];

function withoutGate(vector: number): (guest: Guest) => void {
  return (guest) => guest.writeWords(PLACE.idt + vector * 8, 0, 0);
}
/** One byte of NOP is left before the end of the limited code segment. */
function atEndOfSegment(guest: Guest): void {
  guest.writeBytes(0x10fff, Uint8Array.of(0x90, 0x0f, 0x0b));
}
function limitExtra(guest: Guest): void {
  guest.setSegment(SEGMENT.es, { selector: 0x10, base: 0, limit: UNMAPPED - 1, access: 0x00c09300 });
}

const CASES = [...EVERY, ...PRIORITIES];

/** All cases in one program; the labels of case n end in `_n`. */
function program(): Program {
  const cases = CASES.map(({ source }, n) => `start_${n}: ${source}\n`.replaceAll(/\bat\b/g, `at_${n}`));
  const handlers = EXCEPTIONS.map(({ vector }) => `handler_${vector}: hlt`).join('\n');
  return assemble(
    `${cases.join('hlt\n')} hlt\n${handlers}\nbounds: .long 0, 8\nones: .float 1\n.set unmapped, ${UNMAPPED}`,
    PLACE.code,
  );
}

function prepare(engine: (typeof ENGINES)[number], code: Program, one: Case, n: number): Guest {
  const guest = new Guest(engine, { code: code.bytes });
  const { state } = guest.cpu;
  for (const { vector } of EXCEPTIONS) guest.handler(vector, code.at(`handler_${vector}`));
  guest.writeWords(PLACE.gdt + ABSENT, 0x0000ffff, 0x00cf1300);
  state.gdtr = { base: PLACE.gdt, limit: ABSENT + 7 };
  guest.writeWords(PLACE.tss, SELECTOR.data0, PLACE.stack, SELECTOR.data0);
  state.setSegment(SEGMENT.tr, { selector: SELECTOR.tss, base: PLACE.tss, limit: 0x67, access: 0x8b00 });
  if (one.cpl === 3) guest.enterLevel(3);
  guest.setSegment(SEGMENT.fs, { selector: SELECTOR.limited, base: PLACE.data, limit: 0xfff, access: 0x0040f300 });
  if (one.paged === true) {
    guest.mapIdentity(UNMAPPED);
    guest.map(0x30000, 0x30000, 5);
    guest.map(0x31000, 0x31000, 3);
    guest.enablePaging();
  }
  state.setRegister32(4, one.cpl === 3 ? 0x70000 : PLACE.stack);
  state.setControl(0, state.control(0) | (one.cr0 ?? 0));
  state.setControl(2, 0x1234);
  state.setControl(4, one.cr4 ?? 0);
  state.eflags = one.eflags ?? 2;
  state.ip = code.at(`start_${n}`);
  one.before?.(guest, code.at(`at_${n}`));
  guest.cpu.stateChanged();
  return guest;
}

for (const engine of ENGINES) {
  describe(`every exception with its error code and return address (SDM 3, 6.15) (${engine})`, () => {
    let code: Program;
    before(function () {
      requireTool(this, 'gcc');
      code = program();
    });

    for (const [n, one] of CASES.entries()) {
      it(n < EVERY.length ? one.name : `priority (table 6-2): ${one.name}`, () => {
        const guest = prepare(engine, code, one, n);
        const { state } = guest.cpu;
        for (let runs = 0; runs < 50 && guest.run(100).kind === 'attention'; runs++);
        const handler = [...code.symbols].find(
          ([name, address]) => name.startsWith('handler_') && address === state.ip - 1,
        );
        assert.equal(handler?.[0], `handler_${one.vector}`);

        const top = (state.segment(SEGMENT.ss).base + guest.register(4)) >>> 0;
        const frame = [0, 4, 8, 12].map((offset) => guest.readWord(top + offset));
        const errorCode = one.errorCode === undefined ? undefined : frame.shift();
        const [eip = 0, cs = 0, eflags = 0] = frame;
        const cr2 = state.control(2);
        assert.deepEqual(
          { errorCode, eip, cs: cs & 0xffff, rf: (eflags & RF) !== 0, cr2 },
          {
            errorCode: one.errorCode,
            eip: code.at(`at_${n}`),
            cs: one.cs ?? (one.cpl === 3 ? SELECTOR.code3 : SELECTOR.code0),
            rf: one.rf,
            cr2: one.cr2 ?? 0x1234,
          },
        );
        assert.equal(state.systemFlags & 0x14100, 0, 'the handler runs with TF, NT and RF clear');
      });
    }
  });
}
