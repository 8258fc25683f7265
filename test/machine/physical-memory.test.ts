import assert from 'node:assert/strict';
import * as layout from '../../src/cpu/layout.ts';
import { CpuState } from '../../src/cpu/state.ts';
import { PhysicalMemory, type WrittenRange } from '../../src/machine/physical-memory.ts';

const SIZE = 0x100000;

describe('physical memory', () => {
  it('is the RAM that the CPU sees, little-endian', () => {
    const state = new CpuState(SIZE);
    const memory = new PhysicalMemory(state);
    assert.equal(memory.size, SIZE);
    memory.write(0x1000, Uint8Array.of(0x02, 0xb0, 0xad, 0xab));
    assert.equal(state.view.getUint32(layout.RAM + 0x1000, true), 0xabadb002);
    assert.equal(memory.read32(0x1000), 0xabadb002);
    assert.equal(memory.read16(0x1001), 0xadb0);
    assert.equal(memory.read8(0x1003), 0xab);
    assert.deepEqual(memory.read(0x1001, 2), Uint8Array.of(0xb0, 0xad));
  });

  it('gives copies', () => {
    const memory = new PhysicalMemory(new CpuState(SIZE));
    memory.read(0, 4)[0] = 1;
    assert.equal(memory.read8(0), 0);
  });

  it('tells what the host wrote', () => {
    const memory = new PhysicalMemory(new CpuState(SIZE));
    const ranges: WrittenRange[] = [];
    memory.onWrite.on((range) => ranges.push(range));
    memory.write(0x10, new Uint8Array(3));
    assert.deepEqual(ranges, [{ address: 0x10, length: 3 }]);
  });

  it('ends at its size', () => {
    const memory = new PhysicalMemory(new CpuState(SIZE));
    memory.write(SIZE - 2, Uint8Array.of(1, 2));
    assert.equal(memory.read16(SIZE - 2), 0x0201);
    assert.equal(memory.contains(SIZE, 0), true);
    for (const [address, length] of [
      [SIZE - 1, 2],
      [SIZE, 1],
      [-1, 1],
      [0, SIZE + 1],
    ] as const) {
      assert.throws(() => memory.read(address, length), { code: 'memory-out-of-range', blame: 'user' });
    }
    assert.throws(() => memory.write(SIZE - 1, Uint8Array.of(9, 9)), { code: 'memory-out-of-range' });
    assert.equal(memory.read8(SIZE - 1), 2);
    assert.throws(() => memory.read32(SIZE - 3), {
      detail: '4 bytes were asked for; memory is phys:0x00000000 … phys:0x000fffff',
    });
  });
});
