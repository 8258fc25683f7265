import assert from 'node:assert/strict';
import { BareCpu, TSS } from './bare-cpu.ts';

describe('port I/O', () => {
  it('writes as much of EAX as the port is wide', () => {
    const cpu = new BareCpu();
    cpu.state.setRegister32(0, 0xaabbccdd);
    cpu.run('port-in', 0x60, 8);
    assert.equal(cpu.state.register32(0), 0xaabbcc78);
    cpu.run('port-in', 0x60, 16);
    assert.equal(cpu.state.register32(0), 0xaabb5678);
    cpu.run('port-in', 0x60, 32);
    assert.equal(cpu.state.register32(0), 0x12345678);
    cpu.run('port-out', 0x3f8, 8, 0x41);
    assert.deepEqual(cpu.events, ['in 60 8', 'in 60 16', 'in 60 32', 'out 3f8 8 41']);
  });

  it('asks the permission bitmap above IOPL (SDM 1, 19.5)', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    const refused = 'port 0x3f8: CPL 3 is above IOPL 0, and ';
    cpu.refuses('port-out', [0x3f8, 8, 0], 13, 0, `${refused}TR holds no 32-bit TSS with a permission bitmap`);
    cpu.loadTask();
    cpu.writeWords(TSS + 0x64, [0x0068 << 16]);
    cpu.refuses(
      'port-out',
      [0x3f8, 8, 0],
      13,
      0,
      `${refused}permission bitmap bytes 0xe7 to 0xe8 are past the TR limit 0x67`,
    );
    cpu.loadTask(0x68 + 0x2000);
    cpu.run('port-out', 0x3f8, 8, 0x41);
    cpu.memory.write(TSS + 0x68 + 0x7f, 8, 0x02);
    cpu.run('port-out', 0x3f8, 8, 0x42);
    cpu.refuses('port-in', [0x3f8, 16], 13, 0, `${refused}its bit in the permission bitmap of the TSS is 1`);
    cpu.state.eflags = 0x3202;
    cpu.run('port-in', 0x3f8, 16);
    assert.deepEqual(cpu.events.slice(-3), ['out 3f8 8 41', 'out 3f8 8 42', 'in 3f8 16']);
  });
});
