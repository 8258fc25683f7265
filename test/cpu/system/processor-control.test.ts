import assert from 'node:assert/strict';
import { BareCpu } from './bare-cpu.ts';

describe('privileged instructions above CPL 0', () => {
  it('raise #GP(0) with the level', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    const names: readonly (readonly [string, readonly number[], string])[] = [
      ['lgdt', [0, 0], 'LGDT'],
      ['lidt', [0, 0], 'LIDT'],
      ['lldt', [0], 'LLDT'],
      ['ltr', [0], 'LTR'],
      ['clts', [], 'CLTS'],
      ['lmsw', [1], 'LMSW'],
      ['invlpg', [0], 'INVLPG'],
      ['write-control', [3, 0], 'MOV to CR3'],
      ['read-control', [0, 0], 'MOV from CR0'],
      ['write-debug', [7, 0], 'MOV to DR7'],
      ['read-debug', [6, 0], 'MOV from DR6'],
      ['rdmsr', [], 'RDMSR'],
      ['wrmsr', [], 'WRMSR'],
      ['halt', [], 'HLT'],
      ['wbinvd', [], 'WBINVD'],
    ];
    for (const [name, args, text] of names) cpu.refuses(name, args, 13, 0, `${text} needs CPL 0; CPL is 3`);
    cpu.refuses('cli', [], 13, 0, 'CLI needs CPL at most IOPL 0; CPL is 3');
    cpu.refuses('sti', [], 13, 0, 'STI needs CPL at most IOPL 0; CPL is 3');
  });

  it('run at CPL 0, and CLI and STI wherever IOPL allows', () => {
    const cpu = new BareCpu();
    cpu.run('halt');
    cpu.run('wbinvd');
    cpu.run('invlpg', 0xc0101000);
    assert.deepEqual(cpu.events, ['halt', 'invalidate c0101000']);
    cpu.enterLevel(3);
    cpu.state.eflags = 0x3202;
    cpu.run('sti');
    assert.equal(cpu.state.interruptShadow, false, 'IF was 1 already');
    cpu.run('cli');
    assert.equal(cpu.state.eflags, 0x3002);
    cpu.run('sti');
    assert.equal(cpu.state.eflags, 0x3202);
    assert.equal(cpu.state.interruptShadow, true);
  });
});
