import assert from 'node:assert/strict';
import { describeDescriptor, describeRawDescriptor, kindName } from '../../src/x86/descriptor-text.ts';
import {
  accessWord,
  decodeDescriptor,
  descriptorOfCache,
  encodeDescriptor,
  isConforming,
  isReadable,
  isWritable,
} from '../../src/x86/descriptor.ts';
import { decodeGate } from '../../src/x86/gate.ts';
import { describeSelector, isNullSelector } from '../../src/x86/selector.ts';

describe('x86 descriptors (SDM 3, 3.4.5)', () => {
  it('takes flat 32-bit code apart', () => {
    assert.deepEqual(decodeDescriptor(0x0000ffff, 0x00cf9a00), {
      base: 0,
      limit: 0xffffffff,
      rawLimit: 0xfffff,
      type: 0xa,
      s: true,
      dpl: 0,
      present: true,
      avl: false,
      l: false,
      db: true,
      g: true,
      kind: 'code',
    });
  });

  it('says what it is, as the register views print it', () => {
    const code = decodeDescriptor(0x0000ffff, 0x00cf9a00);
    assert.equal(describeDescriptor(code), '32-bit code, base 0, 4 GiB, DPL 0');
    assert.equal(describeRawDescriptor(0x0000ffff, 0x00cf9a00, code), '00CF9A00 0000FFFF · P DPL=0 code r-x, G D');
    const data = decodeDescriptor(0x0000ffff, 0x00cff200);
    assert.equal(describeDescriptor(data), '32-bit data, base 0, 4 GiB, DPL 3');
    assert.equal(describeRawDescriptor(0x0000ffff, 0x00cff200, data), '00CFF200 0000FFFF · P DPL=3 data rw-, G B');
  });

  it('finds base and limit in their three and two places', () => {
    const descriptor = decodeDescriptor(0x5678def0, 0x124c9334);
    assert.equal(descriptor.base, 0x12345678);
    assert.equal(descriptor.rawLimit, 0xcdef0);
    assert.equal(descriptor.limit, 0xcdef0);
    assert.equal(descriptor.g, false);
    assert.equal(descriptor.dpl, 0);
    assert.equal(isWritable(descriptor), true);
  });

  it('applies granularity: the lowest 12 bits of the limit are ones', () => {
    assert.equal(decodeDescriptor(0x00000000, 0x00c09a00).limit, 0xfff);
    assert.equal(decodeDescriptor(0x00000001, 0x00c09a00).limit, 0x1fff);
  });

  it('names a 32-bit TSS, available and busy, and an LDT', () => {
    assert.equal(kindName(decodeDescriptor(0x20000067, 0x00008900)), 'available 32-bit TSS');
    assert.equal(kindName(decodeDescriptor(0x20000067, 0x00008b00)), 'busy 32-bit TSS');
    assert.equal(decodeDescriptor(0x20000067, 0x00008900).base, 0x2000);
    assert.equal(decodeDescriptor(0x20000067, 0x00008900).limit, 0x67);
    assert.equal(kindName(decodeDescriptor(0, 0x00008200)), 'LDT');
    assert.equal(kindName(decodeDescriptor(0, 0)), 'reserved type 0x0');
  });

  it('tells conforming, readable and expand-down', () => {
    const conforming = decodeDescriptor(0xffff, 0x00cf9e00);
    assert.equal(isConforming(conforming), true);
    const executeOnly = decodeDescriptor(0xffff, 0x00cf9800);
    assert.equal(isReadable(executeOnly), false);
    const expandDown = decodeDescriptor(0x0fff, 0x00409600);
    assert.equal(describeDescriptor(expandDown), '32-bit data, base 0, expand-down from 0x00001000, DPL 0');
    assert.equal(
      describeRawDescriptor(0x0fff, 0x00409600, expandDown),
      '00409600 00000FFF · P DPL=0 data rw- expand-down, B',
    );
  });

  it('encodes what it decoded', () => {
    for (const [low, high] of [
      [0x0000ffff, 0x00cf9a00],
      [0x5678def0, 0x124c9334],
      [0x20000067, 0xff00eb10],
      [0xffffffff, 0xffffffff],
    ] as const) {
      assert.deepEqual(encodeDescriptor(decodeDescriptor(low, high)), { low, high });
    }
  });

  it('keeps type, S, DPL, P, AVL, L, D/B and G in the access word', () => {
    assert.equal(accessWord(0x12cf9a34), 0x00c09a00);
    const cached = descriptorOfCache({ base: 0, limit: 0xffffffff, access: 0x00c09a00 });
    assert.deepEqual(cached, decodeDescriptor(0x0000ffff, 0x00cf9a00));
  });
});

describe('x86 gates (SDM 3, 6.11)', () => {
  it('takes a 32-bit interrupt gate apart', () => {
    assert.deepEqual(decodeGate(0x00081234, 0xc0108e00), {
      kind: 'interrupt',
      width: 32,
      selector: 8,
      offset: 0xc0101234,
      parameters: 0,
      dpl: 0,
      present: true,
    });
  });

  it('takes the other kinds apart', () => {
    assert.deepEqual(decodeGate(0x00085678, 0x1234ef00), {
      kind: 'trap',
      width: 32,
      selector: 8,
      offset: 0x12345678,
      parameters: 0,
      dpl: 3,
      present: true,
    });
    assert.equal(decodeGate(0x00085678, 0x12348600)?.offset, 0x5678, '16-bit gates hold 16 bits of offset');
    assert.equal(decodeGate(0x00085678, 0x1234ec05)?.parameters, 5);
    assert.equal(decodeGate(0x00280000, 0x00008500)?.kind, 'task');
    assert.equal(decodeGate(0x0000ffff, 0x00cf9a00), undefined);
    assert.equal(decodeGate(0, 0), undefined);
  });
});

describe('x86 selectors (SDM 3, 3.4.2)', () => {
  it('describes index, table and RPL', () => {
    assert.equal(describeSelector(0x0008), 'index 1, GDT, RPL 0');
    assert.equal(describeSelector(0x002b), 'index 5, GDT, RPL 3');
    assert.equal(describeSelector(0x000f), 'index 1, LDT, RPL 3');
    assert.equal(describeSelector(0x0003), 'null selector, RPL 3');
    assert.equal(isNullSelector(4), false, 'index 0 of the LDT is a real entry');
  });
});
