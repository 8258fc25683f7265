import assert from 'node:assert/strict';
import { cpuModel } from '../../src/x86/cpu-model.ts';
import { walkPages, type PageAccess } from '../../src/x86/page-walk.ts';

const PG = 0x80000001;
const WP = 0x00010000;
const PSE = 0x10;

/** Page directory at 0x1000, one page table at 0x2000: linear 0x00400000 is page 0 of the table. */
function walk(linear: number, entries: Readonly<Record<number, number>>, change: Partial<PageAccess> = {}) {
  const reads: number[] = [];
  const context: PageAccess = {
    cr0: PG,
    cr3: 0x1000,
    cr4: 0,
    noExecute: false,
    directoryPointers: [],
    model: cpuModel('pentium'),
    cpl: 0,
    access: 'read',
    ...change,
  };
  const result = walkPages(linear, context, (physical) => {
    reads.push(physical);
    return entries[physical] ?? 0;
  });
  return { result, reads };
}

const PDE = 0x1004;
const PTE = 0x2000;

describe('two-level page walk (SDM 3, 4.3)', () => {
  it('is the identity while CR0.PG is 0', () => {
    const { result, reads } = walk(0xfffffff0, {}, { cr0: 1 });
    assert.equal(result.fault, undefined);
    assert.equal(result.physical, 0xfffffff0);
    assert.deepEqual(reads, []);
  });

  it('reads the directory, then the table, and tells each step', () => {
    const { result, reads } = walk(0x00400123, { [PDE]: 0x2003, [PTE]: 0xabcde003 });
    assert.equal(result.fault, undefined);
    assert.equal(result.physical, 0xabcde123);
    assert.equal(result.pageSize, 4096);
    assert.deepEqual(reads, [PDE, PTE]);
    assert.deepEqual(result.steps, [
      { entry: 'PDE', index: 1, address: PDE, value: 0x2003, high: 0, ok: true, why: '' },
      { entry: 'PTE', index: 0, address: PTE, value: 0xabcde003, high: 0, ok: true, why: '' },
    ]);
  });

  it('ignores the low bits of CR3 and finds the last entries', () => {
    const { result, reads } = walk(0xffffffff, { 0x1ffc: 0x3003, 0x3ffc: 0xfffff003 }, { cr3: 0x1018 });
    assert.equal(result.fault, undefined);
    assert.equal(result.physical, 0xffffffff);
    assert.deepEqual(reads, [0x1ffc, 0x3ffc]);
  });

  it('asks for accessed bits on a read, and the dirty bit of the leaf on a write', () => {
    const read = walk(0x00400000, { [PDE]: 0x2003, [PTE]: 0x5003 }).result;
    assert.equal(read.fault, undefined);
    assert.deepEqual(read.updates, [
      { address: PDE, value: 0x2023 },
      { address: PTE, value: 0x5023 },
    ]);
    assert.equal(read.dirty, false);
    const write = walk(0x00400000, { [PDE]: 0x2023, [PTE]: 0x80005023 }, { access: 'write' }).result;
    assert.equal(write.fault, undefined);
    assert.deepEqual(write.updates, [{ address: PTE, value: 0x80005063 }]);
    assert.equal(write.dirty, true);
    const again = walk(0x00400000, { [PDE]: 0x2023, [PTE]: 0x80005063 }, { access: 'write' }).result;
    assert.equal(again.fault, undefined);
    assert.deepEqual(again.updates, []);
  });

  it('translates 4 MiB pages only while CR4.PSE is 1', () => {
    const large = walk(0x00456789, { [PDE]: 0xc0000083 }, { cr4: PSE, access: 'write' }).result;
    assert.equal(large.fault, undefined);
    assert.equal(large.physical, 0xc0056789);
    assert.equal(large.pageSize, 0x400000);
    assert.deepEqual(large.updates, [{ address: PDE, value: 0xc00000e3 }]);
    const small = walk(0x00456789, { [PDE]: 0x2083, 0x2158: 0x7003 }).result;
    assert.equal(small.fault, undefined);
    assert.equal(small.physical, 0x7789);
  });

  it('refuses entries that are not present, with P = 0 in the code', () => {
    const directory = walk(0x00400000, {}, { access: 'write' }).result;
    assert.deepEqual(directory.fault, {
      errorCode: 2,
      reason: 'page directory entry not present (PDE 1 at phys:0x00001004 is 0x00000000)',
    });
    const table = walk(0x00400000, { [PDE]: 0x2007 }, { cpl: 3 }).result;
    assert.deepEqual(table.fault, {
      errorCode: 4,
      reason: 'page table entry not present (PTE 0 at phys:0x00002000 is 0x00000000)',
    });
    assert.deepEqual(table.steps.at(-1), {
      entry: 'PTE',
      index: 0,
      address: PTE,
      value: 0,
      high: 0,
      ok: false,
      why: 'page table entry not present',
    });
  });

  it('holds read-only pages at CPL 0 only while CR0.WP is 1 (SDM 3, 4.6.1)', () => {
    const entries = { [PDE]: 0x2003, [PTE]: 0x5001 };
    const free = walk(0x00400000, entries, { access: 'write' }).result;
    assert.equal(free.fault, undefined);
    const held = walk(0x00400000, entries, { access: 'write', cr0: PG + WP }).result;
    assert.deepEqual(held.fault, {
      errorCode: 3,
      reason: 'page is read-only and CR0.WP is 1 (PTE 0 at phys:0x00002000 is 0x00005001 P)',
    });
    const read = walk(0x00400000, entries, { cr0: PG + WP }).result;
    assert.equal(read.fault, undefined);
    assert.equal(read.writable, false);
  });

  it('combines the rights of both levels', () => {
    const supervisor = walk(0x00400000, { [PDE]: 0x2003, [PTE]: 0x5007 }, { cpl: 3 }).result;
    assert.deepEqual(supervisor.fault, {
      errorCode: 5,
      reason: 'supervisor page, access at CPL 3 (PTE 0 at phys:0x00002000 is 0x00005007 P W U)',
    });
    const readOnly = walk(0x00400000, { [PDE]: 0x2005, [PTE]: 0x5007 }, { cpl: 3, access: 'write' }).result;
    assert.deepEqual(readOnly.fault, {
      errorCode: 7,
      reason: 'page is read-only, write at CPL 3 (PTE 0 at phys:0x00002000 is 0x00005007 P W U)',
    });
    const user = walk(0x00400000, { [PDE]: 0x2007, [PTE]: 0x5007 }, { cpl: 3, access: 'write' }).result;
    assert.equal(user.fault, undefined);
    assert.equal(user.user, true);
  });

  it('has no execute-disable bit: a fetch is a read, and its code says so', () => {
    const { result } = walk(0x00400000, { [PDE]: 0x2003 }, { access: 'fetch' });
    assert.equal(result.fault?.errorCode, 0);
  });

  it('refuses reserved bits with RSVD and P in the code', () => {
    const large = walk(0x00400000, { [PDE]: 0xc0002083 }, { cr4: PSE }).result;
    assert.deepEqual(large.fault, {
      errorCode: 9,
      reason: 'reserved bit 13 set (PDE 1 at phys:0x00001004 is 0xc0002083 P W PS)',
    });
    const pat = walk(0x00400000, { [PDE]: 0x2003, [PTE]: 0x5083 }, { access: 'write', cr4: PSE }).result;
    assert.deepEqual(pat.fault, {
      errorCode: 11,
      reason: 'reserved bit 7 (PAT) set (PTE 0 at phys:0x00002000 is 0x00005083 P W PS)',
    });
  });
});
