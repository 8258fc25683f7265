import assert from 'node:assert/strict';
import { explainInstruction, type InstructionExplanation } from '../../src/cpu/explainer.ts';
import { writeMmx, writeXmm } from '../../src/cpu/simd-state.ts';
import { assemble } from '../support/assembler.ts';
import { Guest, PLACE, SELECTOR } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

/** The explanation as lines: `+` for a check that passed, `-` for one that did not. */
function lines({ steps }: InstructionExplanation): string[] {
  return steps.map(({ subject, passed, text }) => `${passed ? '+' : '-'} ${subject}: ${text}`);
}

describe('Explaining an instruction', () => {
  before(function () {
    requireTool(this, 'gcc');
  });

  /** A guest with paging on at the first of some instructions. */
  const guestWith = (source: string): Guest => {
    const guest = new Guest('interpreter', { code: assemble(source, PLACE.code).bytes });
    guest.mapIdentity(0x100000);
    return guest;
  };
  const explain = (guest: Guest): InstructionExplanation => {
    const before = guest.snapshot();
    const bytes = guest.cpu.state.bytes.slice(0, 0x8000);
    const explanation = explainInstruction(guest.cpu.state, guest.cpu.memory);
    assert.deepEqual(guest.snapshot(), before, 'explaining changed something');
    assert.deepEqual(guest.cpu.state.bytes.slice(0, 0x8000), bytes);
    assert.deepEqual(guest.bus.events, []);
    return explanation;
  };

  it('tells segment, page-table levels with address and bits, and the effects, in the order of the CPU', () => {
    const guest = guestWith('push dword ptr [ebx]');
    guest.cpu.state.setRegister32(3, 0x30004);
    guest.writeWords(0x30004, 0xcafe);
    guest.enablePaging();
    const table = guest.readWord(PLACE.pageDirectory) & ~0xfff;
    const explanation = explain(guest);
    const entry = (page: number): string =>
      `PTE[${page}] at phys:0x${(table + page * 4).toString(16).padStart(8, '0')}`;
    const address = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`;
    const stack = PLACE.stack - 4;
    const directory = `PDE[0] at phys:${address(PLACE.pageDirectory)} = ${address(table | 0x27)}: present, writable, user, accessed`;
    const leaf = (page: number, bits = 7, names = 'present, writable, user'): string =>
      `${entry(page)} = ${address((page << 12) | bits)}: ${names}`;
    assert.deepEqual(lines(explanation), [
      `+ fetch: ${directory}`,
      `+ fetch: ${leaf(PLACE.code >>> 12)}`,
      `+ fetch: fetch of lin:${address(PLACE.code)} → phys:${address(PLACE.code)}`,
      `+ fetch: CS 0x0008: 2 bytes of instruction at 0x${PLACE.code.toString(16)} are inside 0x0 … 0xffffffff`,
      '+ segment: DS 0x0010: read of 4 bytes at 0x30004 is inside 0x0 … 0xffffffff → lin:0x00030004',
      `+ paging: ${directory}`,
      `+ paging: ${leaf(0x30)}`,
      '+ paging: read of lin:0x00030004 → phys:0x00030004',
      `+ segment: SS 0x0010: write of 4 bytes at 0x${stack.toString(16)} is inside 0x0 … 0xffffffff → lin:${address(stack)}`,
      `+ paging: ${directory}`,
      `+ paging: ${leaf(stack >>> 12)}`,
      `+ paging: write of lin:${address(stack)} → phys:${address(stack)}`,
    ]);
    assert.deepEqual(explanation.outcome, { kind: 'completes', ip: PLACE.code + 2 });
    assert.deepEqual(explanation.registers, [{ name: 'ESP', before: PLACE.stack, after: stack }]);
    assert.deepEqual(explanation.memory.at(-1), { physical: stack, width: 32, before: 0, after: 0xcafe });
  });

  it('ends at the check that fails, and tells where the handler is entered', () => {
    const guest = guestWith('mov eax, [0x80000008]');
    guest.handler(14, 0x44000);
    guest.enablePaging();
    const { steps, outcome, registers } = explain(guest);
    assert.ok(
      steps.some(({ passed, text }) => !passed && text.endsWith('= 0x00000000: page directory entry not present')),
    );
    assert.ok(outcome.kind === 'faults');
    assert.deepEqual([outcome.ip, outcome.chain.map(({ vector }) => vector)], [0x44000, [14]]);
    assert.deepEqual(registers.find(({ name }) => name === 'CR2')?.after, 0x80000008);
  });

  it('tells a shutdown with its chain', () => {
    const { outcome } = explain(guestWith('ud2'));
    assert.ok(outcome.kind === 'faults' && outcome.ip === undefined);
    assert.deepEqual(
      outcome.chain.map(({ vector }) => vector),
      [6, 13, 8, 13],
    );
  });

  it('tells descriptor, privilege and gate of what system instructions look at', () => {
    const guest = guestWith('mov ds, ax');
    guest.cpu.state.setRegister32(0, SELECTOR.data0);
    const entry = `0x${(PLACE.gdt + SELECTOR.data0).toString(16).padStart(8, '0')}`;
    const load = lines(explain(guest));
    assert.ok(load.includes(`+ descriptor: DS selector 0x0010 at lin:${entry} is 32-bit data, base 0, 4 GiB, DPL 0`));
    assert.ok(load.includes('+ privilege: DS: DPL 0 allows RPL 0 and CPL 0'));
    assert.ok(lines(explain(guestWith('hlt'))).includes('+ privilege: HLT needs CPL 0, and CPL is 0'));
    const interrupt = guestWith('int 0x30');
    interrupt.handler(0x30, 0x44000);
    const gate = `0x${(PLACE.idt + 0x30 * 8).toString(16).padStart(8, '0')}`;
    const delivery = lines(explain(interrupt));
    assert.ok(
      delivery.includes(
        `+ descriptor: vector 48: IDT entry at lin:${gate} is an interrupt gate, DPL 0 → 0x0008:0x00044000`,
      ),
    );
  });

  it('asks no device, and says what it would ask', () => {
    const guest = guestWith('in al, 0x60');
    assert.deepEqual(explain(guest).outcome, { kind: 'device', access: 'reads 8 bits from port 0x60' });
  });

  it('tells the operands of a division that is refused, and of one that is not', () => {
    const refused = guestWith('div ebx');
    assert.ok(lines(explain(refused)).includes('- operand: division by zero'));
    const guest = guestWith('div ebx');
    guest.cpu.state.setRegister32(0, 7);
    guest.cpu.state.setRegister32(3, 2);
    const { registers, outcome } = explain(guest);
    assert.equal(outcome.kind, 'completes');
    assert.deepEqual(registers, [
      { name: 'EAX', before: 7, after: 3 },
      { name: 'EDX', before: 0, after: 1 },
    ]);
  });

  it('tells the eight bytes of PAE entries, no-execute too (SDM 3, tables 4-8 to 4-10)', () => {
    const guest = guestWith('mov eax, [ebx]');
    const { state } = guest.cpu;
    // One page directory at 0xb000: 2 MiB pages, the first for code and the second, of the same memory, without.
    guest.writeWords(0xa000, 0xb001, 0, 0, 0, 0, 0, 0, 0);
    guest.writeWords(0xb000, 0xe3, 0, 0xe3, 0x80000000);
    state.setModelSpecific(0xc0000080, 0x800n);
    state.setControl(4, 0x20);
    state.setControl(3, 0xa000);
    state.setControl(0, 0x80010011);
    state.directoryPointers = [{ value: 0xb001, high: 0 }, ...[1, 2, 3].map(() => ({ value: 0, high: 0 }))];
    state.setRegister32(3, 0x230000);
    guest.cpu.stateChanged();
    const told = lines(explain(guest)).filter((line) => line.startsWith('+ paging'));
    assert.deepEqual(told, [
      '+ paging: PDPTE[0] at phys:0x0000a000 = 0x000000000000b001: present',
      '+ paging: PDE[1] at phys:0x0000b008 = 0x80000000000000e3: present, writable, accessed, dirty, page size, no execute',
      '+ paging: read of lin:0x00230000 → phys:0x00030000',
    ]);
  });

  it('tells the control and status words of x87 and SSE (SDM 1, 8.1.3 to 8.1.7 and 10.2.3)', () => {
    const pushed = guestWith('fld1');
    const { x87 } = pushed.cpu.state;
    [x87.control, x87.tagWord] = [0x37f, 0xffff];
    assert.deepEqual(explain(pushed).registers, [
      { name: 'FSW', before: 0, after: 0x3800 },
      { name: 'FTW', before: 0xffff, after: 0x3fff },
    ]);
    const loaded = guestWith('ldmxcsr [ebx]');
    loaded.cpu.state.setControl(4, 0x200);
    loaded.cpu.state.setRegister32(3, 0x30000);
    loaded.writeWords(0x30000, 0x9fc0);
    assert.deepEqual(explain(loaded).registers, [{ name: 'MXCSR', before: 0x1f80, after: 0x9fc0 }]);
  });

  it('tells the x87 registers that are read and change, by their place in the stack before and after (SDM 1, 8.1.2)', () => {
    const one = { signExponent: 0x3fff, significand: 1n << 63n };
    const two = { signExponent: 0x4000, significand: 1n << 63n };
    const three = { signExponent: 0x4000, significand: 3n << 62n };
    const stackOf = (source: string): Guest => {
      const guest = guestWith(source);
      const { x87 } = guest.cpu.state;
      x87.initialise();
      x87.push(one);
      x87.push(two);
      return guest;
    };
    const added = explain(stackOf('faddp'));
    assert.deepEqual(added.wideOperands, [
      { name: 'ST0', value: two },
      { name: 'ST1', value: one },
    ]);
    assert.deepEqual(added.wideChanges, [
      { name: 'ST0', before: two, after: undefined },
      { name: 'ST1, then ST0', before: one, after: three },
    ]);
    const pushed = explain(stackOf('fld1'));
    assert.deepEqual(pushed.wideOperands, []);
    assert.deepEqual(pushed.wideChanges, [{ name: 'ST7, then ST0', before: undefined, after: one }]);
    const angle = explain(stackOf('fpatan'));
    assert.deepEqual(
      angle.wideOperands.map(({ name }) => name),
      ['ST0', 'ST1'],
    );
    const missing = explain(guestWith('fst st(3)'));
    assert.deepEqual(missing.wideOperands, [{ name: 'ST0', value: { signExponent: 0, significand: 0n } }]);
  });

  it('tells the MMX and XMM registers that are read and change, MMX not as x87 registers too', () => {
    const vectors = guestWith('addps xmm1, xmm2');
    const { state } = vectors.cpu;
    state.setControl(4, 0x200);
    writeXmm(state, 1, [0x3f800000, 0, 0, 0]);
    writeXmm(state, 2, [0x40000000, 0, 0, 0x3f800000]);
    const sum = explain(vectors);
    const second = (0x3f800000n << 96n) | 0x40000000n;
    assert.deepEqual(sum.wideOperands, [
      { name: 'XMM1', value: 0x3f800000n },
      { name: 'XMM2', value: second },
    ]);
    assert.deepEqual(sum.wideChanges, [
      { name: 'XMM1', before: 0x3f800000n, after: (0x3f800000n << 96n) | 0x40400000n },
    ]);
    const packed = guestWith('paddd mm3, [ebx]');
    packed.cpu.state.setRegister32(3, 0x30000);
    writeMmx(packed.cpu.state, 3, [1, 2]);
    packed.writeWords(0x30000, 0x10, 0x20);
    const { wideOperands, wideChanges } = explain(packed);
    assert.deepEqual(wideOperands, [{ name: 'MM3', value: 0x2_00000001n }]);
    assert.deepEqual(wideChanges, [{ name: 'MM3', before: 0x2_00000001n, after: 0x22_00000011n }]);
  });

  it('undoes a repeated string instruction and a segment load', () => {
    const guest = guestWith('mov ds, ax');
    guest.cpu.state.setRegister32(0, 0x10);
    assert.equal(explain(guest).outcome.kind, 'completes');
    const string = guestWith('rep stosb');
    string.cpu.state.setRegister32(1, 3);
    string.cpu.state.setRegister32(7, 0x30000);
    string.cpu.state.setRegister32(0, 0x55);
    const { memory, registers } = explain(string);
    assert.deepEqual(memory, [{ physical: 0x30000, width: 8, before: 0, after: 0x55 }]);
    assert.deepEqual(
      registers.map(({ name }) => name),
      ['ECX', 'EDI'],
    );
  });
});
