import assert from 'node:assert/strict';
import { BareCpu, SELECTOR } from './bare-cpu.ts';

describe('the table of operations', () => {
  it('runs INT n to its gate with the address after it', () => {
    const cpu = new BareCpu();
    cpu.gate(0x80, SELECTOR.code0, 0x6000, 0xee00);
    cpu.run('software-interrupt', 0x80, 0);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.stack(cpu.esp, 1)[0], 0x5002);
  });
});
