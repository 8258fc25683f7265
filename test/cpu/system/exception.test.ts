import assert from 'node:assert/strict';
import { CpuFault, TripleFault } from '../../../src/cpu/fault.ts';
import { raiseException } from '../../../src/cpu/system/exception.ts';
import { BareCpu, IDT, SELECTOR, STACK, TSS } from './bare-cpu.ts';

const GATE = 0x8e00;
const invalidOpcode = new CpuFault(6, undefined, 'UD2 always raises #UD');

function summary(chain: readonly CpuFault[]): (readonly [number, number | undefined])[] {
  return chain.map((fault) => [fault.vector, fault.errorCode]);
}

function shutdown(cpu: BareCpu, fault: CpuFault): readonly CpuFault[] {
  const before = Buffer.from(cpu.state.bytes);
  let caught: unknown;
  try {
    raiseException(cpu, fault, 0x5000);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof TripleFault);
  assert.ok(before.equals(cpu.state.bytes), 'memory and registers are as before');
  return caught.chain;
}

describe('exceptions raised while an exception is delivered (SDM 3, 6.15)', () => {
  it('enters the handler and returns the one fault', () => {
    const cpu = new BareCpu();
    cpu.gate(6, SELECTOR.code0, 0x6000, GATE);
    assert.deepEqual(raiseException(cpu, invalidOpcode, 0x5000), [invalidOpcode]);
    assert.equal(cpu.state.ip, 0x6000);
    assert.deepEqual(cpu.stack(STACK - 12, 2), [0x5000, SELECTOR.code0]);
  });

  it('keeps the whole chain to shutdown when IDTR is empty', () => {
    const chain = shutdown(new BareCpu(), invalidOpcode);
    assert.deepEqual(summary(chain), [
      [6, undefined],
      [13, 0x33],
      [8, 0],
      [13, 0x43],
    ]);
    assert.deepEqual(
      chain.map((fault) => fault.reason),
      [
        'UD2 always raises #UD',
        'vector 6 needs IDT bytes 0x30 to 0x37; IDTR limit is 0x0000',
        '#GP(0x6b) while delivering #GP(0x33): vector 13 needs IDT bytes 0x68 to 0x6f; IDTR limit is 0x0000',
        'vector 8 needs IDT bytes 0x40 to 0x47; IDTR limit is 0x0000',
      ],
    );
  });

  it('delivers the fault that met a benign one, in its place', () => {
    const cpu = new BareCpu();
    cpu.gate(6, SELECTOR.code0, 0x7000, 0x0e00);
    cpu.gate(11, SELECTOR.code0, 0x6000, GATE);
    assert.deepEqual(summary(raiseException(cpu, invalidOpcode, 0x5000)), [
      [6, undefined],
      [11, 0x33],
    ]);
    assert.equal(cpu.state.ip, 0x6000);
    assert.deepEqual(cpu.stack(STACK - 16, 2), [0x33, 0x5000]);
  });

  it('delivers #DF with code 0 when a contributory fault meets another', () => {
    const cpu = new BareCpu();
    cpu.gate(8, SELECTOR.code0, 0x6000, GATE);
    const chain = raiseException(cpu, new CpuFault(13, 0x18, 'test'), 0x5000);
    assert.deepEqual(summary(chain), [
      [13, 0x18],
      [8, 0],
    ]);
    assert.deepEqual(cpu.stack(STACK - 16, 2), [0, 0x5000]);
    assert.equal(cpu.state.ip, 0x6000);
  });

  it('sets CR2 when a page fault is delivered', () => {
    const cpu = new BareCpu();
    cpu.gate(14, SELECTOR.code0, 0x6000, GATE);
    raiseException(cpu, new CpuFault(14, 2, 'test', { address: 0xdeadb000 }), 0x5000);
    assert.equal(cpu.state.control(2), 0xdeadb000);
    assert.deepEqual(cpu.stack(STACK - 16, 1), [2]);
  });

  it('makes #DF of a page fault on the way to a page fault handler, CR2 with the second address', () => {
    const cpu = new BareCpu();
    cpu.gate(8, SELECTOR.code0, 0x6000, GATE);
    cpu.gate(14, SELECTOR.code0, 0x7000, GATE);
    cpu.state.idtr = { base: IDT - 14 * 8, limit: 0x7f };
    cpu.writeWords(IDT - 6 * 8, [0x00086000, 0x00008e00]);
    cpu.missingPage = IDT >>> 12;
    const chain = raiseException(cpu, new CpuFault(14, 0, 'test', { address: 0xdeadb000 }), 0x5000);
    assert.deepEqual(summary(chain), [
      [14, 0],
      [8, 0],
    ]);
    assert.equal(chain[1]?.reason, '#PF(0) while delivering #PF(0): page table entry not present');
    assert.equal(cpu.state.control(2), IDT);
    assert.equal(cpu.state.ip, 0x6000);
  });

  it('gives CR2 back when the CPU shuts down', () => {
    const cpu = new BareCpu();
    cpu.state.setControl(2, 0x1234);
    const chain = shutdown(cpu, new CpuFault(14, 0, 'test', { address: 0xdeadb000 }));
    assert.deepEqual(summary(chain), [
      [14, 0],
      [8, 0],
      [13, 0x43],
    ]);
    assert.equal(cpu.state.control(2), 0x1234);
  });
});

describe('two exceptions (SDM 3, table 6-5)', () => {
  /** SDM 3, table 6-4. */
  const BENIGN = [1, 2, 3, 4, 5, 6, 7, 9, 16, 17, 18, 19];
  const CONTRIBUTORY = [0, 10, 11, 12, 13, 21];
  const PAGE_FAULTS = [14, 20];
  const DOUBLE_FAULT = 8;
  /** A page for the stack of CPL 0 that can be taken away. */
  const INNER_STACK = 0xb000;

  /** What makes the delivery of `vector` raise each exception that a delivery can: its gate leads to CPL 0, all others stay at CPL 3. */
  const SECOND: Readonly<Record<number, (cpu: BareCpu, vector: number) => void>> = {
    10: (cpu) => cpu.writeWords(TSS + 4, [INNER_STACK, 0]),
    11: (cpu, vector) => cpu.gate(vector, SELECTOR.code0, 0x6000, 0x0e00),
    12: (cpu) => cpu.writeWords(TSS + 4, [INNER_STACK, SELECTOR.absentData]),
    13: (cpu, vector) => cpu.gate(vector, 0, 0x6000, GATE),
    14: (cpu) => (cpu.missingPage = (INNER_STACK >>> 12) - 1),
  };

  function vectorsOf(first: number, second: number): number[] | 'shutdown' {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.loadTask();
    cpu.writeWords(TSS + 4, [INNER_STACK, SELECTOR.data0]);
    for (let vector = 0; vector < 32; vector++) cpu.gate(vector, SELECTOR.conforming, 0x7000, GATE);
    cpu.gate(first, SELECTOR.code0, 0x6000, GATE);
    SECOND[second]?.(cpu, first);
    try {
      return raiseException(cpu, new CpuFault(first, undefined, 'first'), 0x5000).map(({ vector }) => vector);
    } catch (error) {
      assert.ok(error instanceof TripleFault);
      assert.deepEqual(
        error.chain.map(({ vector }) => vector),
        [first, second],
      );
      return 'shutdown';
    }
  }

  for (const first of [...BENIGN, ...CONTRIBUTORY, ...PAGE_FAULTS, DOUBLE_FAULT]) {
    it(`vector ${first}, then each that its delivery can raise`, () => {
      for (const second of [10, 11, 12, 13, 14]) {
        const pageFault = second === 14;
        const serial = BENIGN.includes(first) || (CONTRIBUTORY.includes(first) && pageFault);
        const expected = first === DOUBLE_FAULT ? 'shutdown' : [first, serial ? second : DOUBLE_FAULT];
        assert.deepEqual(vectorsOf(first, second), expected, `then vector ${second}`);
      }
    });
  }
});
