import assert from 'node:assert/strict';
import { controlTransfers, systemOperations } from '../../../src/cpu/system/system-operations.ts';
import { BareCpu, SELECTOR } from './bare-cpu.ts';

describe('the table of operations', () => {
  it('says which ones set the instruction pointer', () => {
    assert.deepEqual([...controlTransfers].sort(), [
      'far-call',
      'far-jump',
      'far-return',
      'interrupt-return',
      'software-interrupt',
    ]);
    for (const name of controlTransfers) assert.ok(name in systemOperations);
  });

  it('runs INT n to its gate with the address after it', () => {
    const cpu = new BareCpu();
    cpu.gate(0x80, SELECTOR.code0, 0x6000, 0xee00);
    cpu.run('software-interrupt', 0x80, 0);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.stack(cpu.esp, 1)[0], 0x5002);
  });
});
