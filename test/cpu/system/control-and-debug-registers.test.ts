import assert from 'node:assert/strict';
import { BareCpu } from './bare-cpu.ts';

describe('control and debug registers', () => {
  it('turns paging on and drops translations', () => {
    const cpu = new BareCpu();
    cpu.run('write-control', 0, 0x80000001);
    assert.equal(cpu.state.control(0), 0x80000011, 'ET stays 1');
    cpu.run('write-control', 0, 0x8000001f);
    assert.deepEqual(cpu.events, ['flush'], 'MP, EM and TS do not concern translation');
    cpu.run('write-control', 0, 0x8001001f);
    cpu.run('write-control', 3, 0x5000);
    cpu.run('write-control', 4, 0x10);
    assert.equal(cpu.events.length, 4);
    cpu.run('read-control', 3, 1);
    assert.equal(cpu.state.register32(1), 0x5000);
  });

  it('ignores reserved bits of CR0 and refuses those of CR4', () => {
    const cpu = new BareCpu();
    cpu.run('write-control', 0, 0x1000ffd1);
    assert.equal(cpu.state.control(0), 0x11);
    cpu.refuses(
      'write-control',
      [4, 0x800],
      13,
      0,
      'CR4 0x800 sets reserved bits 0x800 (UMIP), which cpu "default" does not have',
    );
    cpu.refuses('write-control', [4, 0x80000010], 13, 0, 'CR4 0x80000010 sets reserved bits 0x80000000');
  });

  it('refuses combinations of CR0 that cannot be', () => {
    const cpu = new BareCpu();
    cpu.refuses('write-control', [0, 0x80000010], 13, 0, 'CR0 0x80000010 sets PG without PE');
    cpu.refuses('write-control', [0, 0x20000011], 13, 0, 'CR0 0x20000011 sets NW without CD');
    cpu.refuses('write-control', [1, 0], 6, undefined, 'CR1 does not exist');
    cpu.refuses('read-control', [5, 0], 6, undefined, 'CR5 does not exist');
  });

  it('sets and clears TS, and keeps PE in LMSW', () => {
    const cpu = new BareCpu();
    cpu.run('lmsw', 0xffff);
    assert.equal(cpu.state.control(0), 0x1f);
    cpu.run('clts');
    assert.equal(cpu.state.control(0), 0x17);
    cpu.run('lmsw', 0);
    assert.equal(cpu.state.control(0), 0x11);
  });

  it('gives debug registers their fixed bits, and two of them a second name', () => {
    const cpu = new BareCpu();
    cpu.run('write-debug', 0, 0xc0101234);
    cpu.run('write-debug', 4, 0);
    cpu.run('write-debug', 7, 0);
    assert.equal(cpu.state.debugRegister(0), 0xc0101234);
    assert.equal(cpu.state.debugRegister(6), 0xffff0ff0);
    cpu.run('read-debug', 5, 2);
    assert.equal(cpu.state.register32(2), 0x400);
  });
});
