import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { BareCpu, GDT, LDT, SELECTOR } from './bare-cpu.ts';

const { ds, es, ss, cs } = SEGMENT;

describe('segment register loads (SDM 2, MOV)', () => {
  it('fills the cache and sets the accessed bit in memory', () => {
    const cpu = new BareCpu();
    cpu.run('load-segment', ds, SELECTOR.data3);
    assert.deepEqual(cpu.state.segment(ds), {
      selector: SELECTOR.data3,
      base: 0,
      limit: 0xffffffff,
      access: 0x00c0f300,
    });
    assert.equal(cpu.memory.read(GDT + 0x20 + 5, 8), 0xf3);
    assert.deepEqual(cpu.events, [], 'data segments do not concern decoded code');
  });

  it('holds interrupts off for one instruction after SS', () => {
    const cpu = new BareCpu();
    cpu.run('load-segment', ss, SELECTOR.stack16);
    assert.equal(cpu.state.interruptShadow, true);
    assert.equal(cpu.state.segment(ss).limit, 0xffff);
    assert.deepEqual(cpu.events, ['context']);
  });

  it('takes a null selector in a data register, and nothing through it', () => {
    const cpu = new BareCpu();
    cpu.run('load-segment', es, 3);
    assert.deepEqual(cpu.state.segment(es), { selector: 3, base: 0, limit: 0, access: 0 });
  });

  it('reads the LDT', () => {
    const cpu = new BareCpu();
    cpu.run('lldt', SELECTOR.ldt);
    cpu.writeWords(LDT + 8, [0x4000ffff, 0x00009212]);
    cpu.run('load-segment', ds, 0x0c);
    assert.equal(cpu.state.segment(ds).base, 0x124000);
    cpu.refuses('load-segment', [ds, 0x14], 13, 0x14, 'DS selector 0x14: index 2 is past the LDT limit 0x0f');
    cpu.run('lldt', 0);
    cpu.refuses('load-segment', [ds, 0x0c], 13, 0x0c, 'DS selector 0xc: index 1 of the LDT, but LDTR is null');
  });

  it('refuses a data register with #GP(selector), absent with #NP(selector)', () => {
    const cpu = new BareCpu();
    cpu.refuses('load-segment', [ds, 0x83], 13, 0x80, 'DS selector 0x83: index 16 is past the GDT limit 0x7f');
    cpu.state.gdtr = { base: GDT, limit: 0x0f };
    cpu.refuses('load-segment', [ds, 0x10], 13, 0x10, 'DS selector 0x10: index 2 is past the GDT limit 0x0f');
    cpu.state.gdtr = { base: GDT, limit: 0x7f };
    cpu.refuses(
      'load-segment',
      [ds, SELECTOR.executeOnly],
      13,
      0x48,
      'DS selector 0x48 is execute-only code; DS needs data or readable code',
    );
    cpu.refuses(
      'load-segment',
      [ds, SELECTOR.tss],
      13,
      0x28,
      'DS selector 0x28 is available 32-bit TSS; DS needs data or readable code',
    );
    cpu.refuses('load-segment', [ds, 0x13], 13, 0x10, 'DS selector 0x13 has DPL 0, more privileged than RPL 3');
    cpu.refuses('load-segment', [ds, SELECTOR.absentData], 11, 0x30, 'DS selector 0x30 is not present');
    cpu.enterLevel(3);
    cpu.refuses('load-segment', [ds, 0x10], 13, 0x10, 'DS selector 0x10 has DPL 0, more privileged than CPL 3');
    cpu.run('load-segment', ds, SELECTOR.conforming | 3);
  });

  it('refuses SS: null #GP(0), RPL, type and DPL #GP(selector), absent #SS(selector)', () => {
    const cpu = new BareCpu();
    cpu.refuses('load-segment', [ss, 0], 13, 0, 'SS selector 0x0 is null; a stack needs a segment');
    cpu.refuses('load-segment', [ss, 3], 13, 0, 'SS selector 0x3 is null; a stack needs a segment');
    cpu.refuses('load-segment', [ss, 0x11], 13, 0x10, 'SS selector 0x11 has RPL 1; a stack for CPL 0 needs RPL 0');
    cpu.refuses('load-segment', [ss, 0x20], 13, 0x20, 'SS selector 0x20 has DPL 3; a stack for CPL 0 needs DPL 0');
    cpu.refuses('load-segment', [ss, 0x08], 13, 0x08, 'SS selector 0x8 is 32-bit code; a stack needs writable data');
    cpu.refuses(
      'load-segment',
      [ss, 0x50],
      13,
      0x50,
      'SS selector 0x50 is read-only data; a stack needs writable data',
    );
    cpu.refuses('load-segment', [ss, 0x30], 12, 0x30, 'SS selector 0x30 is not present');
  });

  it('refuses CS with #UD', () => {
    new BareCpu().refuses('load-segment', [cs, 8], 6, undefined, 'segment register 1 cannot be loaded');
  });

  it('refuses a load whose accessed bit cannot be set', () => {
    const cpu = new BareCpu();
    cpu.readOnlyPage = GDT >>> 12;
    cpu.refuses('load-segment', [ds, 0x10], 14, 3, 'page is read-only and CR0.WP is 1');
  });
});
