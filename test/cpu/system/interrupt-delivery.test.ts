import assert from 'node:assert/strict';
import type { CpuFault } from '../../../src/cpu/fault.ts';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { deliverInterrupt, type InterruptDelivery } from '../../../src/cpu/system/interrupt-delivery.ts';
import { BareCpu, GDT, SELECTOR, STACK, STACK0, TSS } from './bare-cpu.ts';

const INTERRUPT_GATE = 0x8e00;
const TRAP_GATE = 0x8f00;
const exception: InterruptDelivery = { kind: 'exception', returnIp: 0x5000 };
const external: InterruptDelivery = { kind: 'external', returnIp: 0x5000 };
const software: InterruptDelivery = { kind: 'software', returnIp: 0x5002 };

function refused(cpu: BareCpu, vector: number, delivery: InterruptDelivery): CpuFault {
  return cpu.refusal(() => deliverInterrupt(cpu, vector, delivery));
}

function assertFault(fault: CpuFault, vector: number, errorCode: number, reason: string): void {
  assert.deepEqual([fault.vector, fault.errorCode, fault.reason], [vector, errorCode, reason]);
}

describe('interrupt delivery in protected mode (SDM 2, INT n)', () => {
  it('pushes EFLAGS, CS and EIP and clears IF through an interrupt gate', () => {
    const cpu = new BareCpu();
    cpu.gate(0x20, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
    deliverInterrupt(cpu, 0x20, external);
    assert.equal(cpu.esp, STACK - 12);
    assert.deepEqual(cpu.stack(STACK - 12, 3), [0x5000, SELECTOR.code0, 0x202]);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.state.eflags, 0x002);
    assert.deepEqual(cpu.events, ['context']);
  });

  it('leaves IF through a trap gate and clears TF and NT', () => {
    const cpu = new BareCpu();
    cpu.gate(3, SELECTOR.code0, 0x6000, TRAP_GATE);
    cpu.state.eflags = 0x4302;
    deliverInterrupt(cpu, 3, software);
    assert.deepEqual(cpu.stack(STACK - 12, 3), [0x5002, SELECTOR.code0, 0x4302]);
    assert.equal(cpu.state.eflags, 0x202);
  });

  it('pushes the error code last, and RF set in the image for a fault (SDM 3, 17.3.1.1)', () => {
    const cpu = new BareCpu();
    cpu.gate(13, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
    deliverInterrupt(cpu, 13, { ...exception, errorCode: 0x18 });
    assert.equal(cpu.esp, STACK - 16);
    assert.deepEqual(cpu.stack(STACK - 16, 4), [0x18, 0x5000, SELECTOR.code0, 0x10202]);
  });

  it('pushes words through a 16-bit gate', () => {
    const cpu = new BareCpu();
    cpu.gate(0x20, SELECTOR.code0, 0x12346000, 0x8600);
    deliverInterrupt(cpu, 0x20, external);
    assert.equal(cpu.esp, STACK - 6);
    assert.deepEqual(cpu.stack(STACK - 6, 3, 16), [0x5000, SELECTOR.code0, 0x202]);
    assert.equal(cpu.state.ip, 0x6000);
  });

  it('switches to the stack of the TSS from ring 3 to ring 0', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.loadTask();
    cpu.gate(14, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
    cpu.events.length = 0;
    deliverInterrupt(cpu, 14, { ...exception, errorCode: 4 });
    assert.equal(cpu.esp, STACK0 - 24);
    assert.deepEqual(cpu.stack(STACK0 - 24, 6), [4, 0x5000, SELECTOR.code3, 0x10202, STACK, SELECTOR.data3]);
    assert.equal(cpu.state.cpl, 0);
    assert.equal(cpu.selector(SEGMENT.cs), SELECTOR.code0);
    assert.equal(cpu.selector(SEGMENT.ss), SELECTOR.data0);
    assert.equal(cpu.selector(SEGMENT.ds), SELECTOR.data3, 'data segments are left to the handler');
    assert.deepEqual(cpu.events, ['flush', 'context']);
    assert.equal(cpu.memory.read(GDT + SELECTOR.code0 + 5, 8), 0x9b, 'loads set the accessed bit');
    assert.equal(cpu.memory.read(GDT + SELECTOR.data0 + 5, 8), 0x93);
  });

  it('stays at CPL 3 through a gate to conforming code', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.gate(0x80, SELECTOR.conforming, 0x6000, 0xee00);
    deliverInterrupt(cpu, 0x80, software);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.selector(SEGMENT.cs), SELECTOR.conforming | 3);
    assert.equal(cpu.esp, STACK - 12);
  });

  describe('refuses, in the order of the checks', () => {
    it('a vector past the IDT: #GP(vector * 8 + 2 + EXT)', () => {
      const cpu = new BareCpu();
      const reason = 'vector 6 needs IDT bytes 0x30 to 0x37; IDTR limit is 0x0000';
      assertFault(refused(cpu, 6, exception), 13, 0x33, reason);
      assertFault(refused(cpu, 6, software), 13, 0x32, reason);
      cpu.state.idtr = { base: 0, limit: 0x36 };
      assert.equal(refused(cpu, 6, external).vector, 13);
    });

    it('an entry that is no gate: #GP', () => {
      const cpu = new BareCpu();
      cpu.gate(6, 0, 0, 0);
      assertFault(
        refused(cpu, 6, exception),
        13,
        0x33,
        'vector 6: IDT entry is reserved type 0x0; an interrupt, trap or task gate is needed',
      );
      cpu.gate(6, SELECTOR.code0, 0, 0xec00);
      assert.match(refused(cpu, 6, exception).reason, /IDT entry is 32-bit call gate/);
    });

    it('a software interrupt below the gate DPL: #GP without EXT, and only then', () => {
      const cpu = new BareCpu();
      cpu.enterLevel(3);
      cpu.loadTask();
      cpu.gate(0x80, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
      assertFault(refused(cpu, 0x80, software), 13, 0x402, 'vector 128: gate DPL is 0, more privileged than CPL 3');
      deliverInterrupt(cpu, 0x80, external);
      assert.equal(cpu.state.cpl, 0);
    });

    it('a gate that is not present: #NP', () => {
      const cpu = new BareCpu();
      cpu.gate(6, SELECTOR.code0, 0x6000, 0x0e00);
      assertFault(refused(cpu, 6, exception), 11, 0x33, 'vector 6: gate is not present');
    });

    it('a bad target: null #GP(EXT), index, type and DPL #GP(selector), absent #NP(selector)', () => {
      const cpu = new BareCpu();
      cpu.gate(6, 0, 0x6000, INTERRUPT_GATE);
      assertFault(refused(cpu, 6, exception), 13, 1, 'vector 6: CS selector 0x0 is null');
      cpu.gate(6, 0x80, 0x6000, INTERRUPT_GATE);
      assertFault(
        refused(cpu, 6, exception),
        13,
        0x81,
        'vector 6: CS selector 0x80: index 16 is past the GDT limit 0x7f',
      );
      cpu.gate(6, SELECTOR.data0, 0x6000, INTERRUPT_GATE);
      assertFault(refused(cpu, 6, exception), 13, 0x11, 'vector 6: CS selector 0x10 is 32-bit data; CS needs code');
      cpu.gate(6, SELECTOR.code3, 0x6000, INTERRUPT_GATE);
      assertFault(
        refused(cpu, 6, exception),
        13,
        0x19,
        'vector 6: CS selector 0x1b has DPL 3, less privileged than CPL 0',
      );
      cpu.gate(6, SELECTOR.absentCode, 0x6000, INTERRUPT_GATE);
      assertFault(refused(cpu, 6, exception), 11, 0x61, 'vector 6: CS selector 0x60 is not present');
      cpu.gate(6, SELECTOR.limited, 0x1000, INTERRUPT_GATE);
      assertFault(
        refused(cpu, 6, exception),
        13,
        1,
        'vector 6: CS selector 0x78: offset 0x1000 is past the segment limit 0xfff',
      );
    });

    it('a stack without room: #SS(EXT) on the current one', () => {
      const cpu = new BareCpu();
      cpu.gate(6, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
      cpu.state.setSegment(SEGMENT.ss, { selector: SELECTOR.data0, base: 0, limit: 0x7ff6, access: 0x00409300 });
      assertFault(
        refused(cpu, 6, exception),
        12,
        1,
        'stack bytes 0x7ffc to 0x7fff are outside SS 0x10, which has 0x0 to 0x7ff6',
      );
    });

    it('a stack page that is missing, with nothing pushed', () => {
      const cpu = new BareCpu();
      cpu.gate(6, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
      cpu.state.setRegister32(4, STACK + 4);
      cpu.missingPage = (STACK - 1) >>> 12;
      const fault = refused(cpu, 6, exception);
      assert.equal(fault.vector, 14);
      assert.equal(fault.operands['address'], STACK - 4);
    });

    it('a descriptor whose accessed bit cannot be set, with nothing pushed', () => {
      const cpu = new BareCpu();
      cpu.gate(6, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
      cpu.readOnlyPage = GDT >>> 12;
      assert.equal(refused(cpu, 6, exception).operands['address'], GDT + 0x08 + 5);
    });
  });

  describe('refuses a stack switch', () => {
    function fromRing3(): BareCpu {
      const cpu = new BareCpu();
      cpu.enterLevel(3);
      cpu.loadTask();
      cpu.gate(6, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
      return cpu;
    }

    it('without a TSS or with one that is too short: #TS(TR + EXT)', () => {
      const cpu = fromRing3();
      cpu.loadTask(8);
      assertFault(refused(cpu, 6, exception), 10, 0x29, 'SS0 and ESP0 need TSS bytes 0x4 to 0x9; TR limit is 0x0008');
      cpu.state.setSegment(SEGMENT.tr, { selector: 0, base: 0, limit: 0, access: 0 });
      assertFault(refused(cpu, 6, exception), 10, 1, 'a stack for CPL 0 comes from the TSS, but TR is null');
    });

    it('to a null, misplaced or wrong SS0: #TS(SS0 + EXT); to an absent one: #SS', () => {
      const cpu = fromRing3();
      const stackSelector = (selector: number): void => cpu.writeWords(TSS + 8, [selector]);
      stackSelector(0);
      assertFault(refused(cpu, 6, exception), 10, 1, 'TSS SS0 selector 0x0 is null; a stack needs a segment');
      stackSelector(0x80);
      assertFault(refused(cpu, 6, exception), 10, 0x81, 'TSS SS0 selector 0x80: index 16 is past the GDT limit 0x7f');
      stackSelector(0x13);
      assertFault(
        refused(cpu, 6, exception),
        10,
        0x11,
        'TSS SS0 selector 0x13 has RPL 3; a stack for CPL 0 needs RPL 0',
      );
      stackSelector(SELECTOR.data3 & ~3);
      assertFault(
        refused(cpu, 6, exception),
        10,
        0x21,
        'TSS SS0 selector 0x20 has DPL 3; a stack for CPL 0 needs DPL 0',
      );
      stackSelector(SELECTOR.code0);
      assertFault(
        refused(cpu, 6, exception),
        10,
        0x09,
        'TSS SS0 selector 0x8 is 32-bit code; a stack needs writable data',
      );
      stackSelector(SELECTOR.readOnly);
      assertFault(
        refused(cpu, 6, exception),
        10,
        0x51,
        'TSS SS0 selector 0x50 is read-only data; a stack needs writable data',
      );
      stackSelector(SELECTOR.absentData);
      assertFault(refused(cpu, 6, exception), 12, 0x31, 'TSS SS0 selector 0x30 is not present');
    });

    it('to a stack without room: #SS(SS0 + EXT)', () => {
      const cpu = fromRing3();
      cpu.writeWords(TSS + 4, [0x1_0000, SELECTOR.stack16]);
      cpu.writeWords(GDT + SELECTOR.stack16, [0x0000000f, 0x00009200]);
      const fault = refused(cpu, 6, exception);
      assert.deepEqual([fault.vector, fault.errorCode], [12, 0x71]);
    });
  });

  it('reads SP0 and SS0 of a 16-bit TSS', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.state.setSegment(SEGMENT.tr, { selector: SELECTOR.tss, base: TSS, limit: 0x2b, access: 0x00008300 });
    cpu.writeWords(TSS, [STACK0 << 16, SELECTOR.data0]);
    cpu.gate(6, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
    deliverInterrupt(cpu, 6, exception);
    assert.equal(cpu.esp, STACK0 - 20);
  });

  it('keeps the upper half of ESP on a 16-bit stack, and wraps SP', () => {
    const cpu = new BareCpu();
    cpu.gate(0x20, SELECTOR.code0, 0x6000, INTERRUPT_GATE);
    cpu.state.setSegment(SEGMENT.ss, { selector: SELECTOR.stack16, base: 0, limit: 0xffff, access: 0x00009300 });
    cpu.state.setRegister32(4, 0xabcd0004);
    deliverInterrupt(cpu, 0x20, external);
    assert.equal(cpu.esp, 0xabcdfff8);
    assert.deepEqual(cpu.stack(0xfff8, 2), [0x5000, SELECTOR.code0]);
    assert.deepEqual(cpu.stack(0, 1), [0x202]);
  });
});
