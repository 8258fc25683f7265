import assert from 'node:assert/strict';
import type { PvOpsSlot } from '../../src/adapter/protocol.ts';
import { machineRows } from '../../src/extension/model/machine-rows.ts';
import { pvOpsRows } from '../../src/extension/model/pv-ops-rows.ts';

const slot: PvOpsSlot = {
  name: 'irq_disable',
  offset: 8,
  address: 0x102008,
  target: 0x1000f0,
  backend: 'native',
  description: 'native · native_irq_disable',
  changed: false,
};

describe('the rows of Paravirt Operations', () => {
  const rowsOf = (...slots: PvOpsSlot[]) =>
    pvOpsRows({ instruction: 0, groups: [{ name: 'pv_irq_ops', address: 0x102000, slots }] });

  it('say what a slot holds', () => {
    const [row] = rowsOf(slot)[0]?.children ?? [];
    assert.equal(row?.label, 'irq_disable');
    assert.equal(row.description, 'native · native_irq_disable');
    assert.equal(row.icon, 'symbol-method');
    assert.equal(row.accessibleLabel, 'irq_disable, native, native_irq_disable');
  });

  it('mark a slot that changed, and say what it was', () => {
    const [row] =
      rowsOf({ ...slot, description: 'xen · xen_irq_disable_direct, was native', changed: true })[0]?.children ?? [];
    assert.equal(row?.accessibleLabel, 'irq_disable, xen, xen_irq_disable_direct, was native');
    assert.equal(row.icon, 'diff-modified');
  });

  it('count the backends of a group', () => {
    const native = { ...slot, name: 'irq_enable' };
    assert.equal(
      rowsOf(slot, native, { ...slot, name: 'halt', backend: 'no-op' })[0]?.description,
      'native 2 · no-op 1',
    );
  });

  it('say what the kernel believes it runs on', () => {
    const rows = pvOpsRows({ instruction: 0, believes: 'bare hardware', groups: [] });
    assert.deepEqual(
      rows.map(({ label }) => label),
      ['Believes it runs on bare hardware'],
    );
  });
});

describe('the rows of Machine', () => {
  it('unfold the first node, and colour nothing but a broken promise', () => {
    const rows = machineRows({
      instruction: 0,
      rows: [
        {
          kind: 'start-of-day',
          label: 'Start of Day',
          description: 'multiboot',
          children: [
            { kind: 'promise-kept', label: 'EAX', description: 'kept' },
            { kind: 'promise-broken', label: 'EFLAGS.IF', description: 'broken' },
          ],
        },
        { kind: 'cpu', label: 'CPU', description: '32-bit, paging off' },
      ],
    });
    assert.deepEqual(
      rows.map(({ label, open, icon, context }) => ({ label, open, icon, context })),
      [
        { label: 'Start of Day', open: true, icon: 'milestone', context: 'start-of-day' },
        { label: 'CPU', open: false, icon: 'chip', context: 'cpu' },
      ],
    );
    assert.deepEqual(
      rows[0]?.children?.map(({ icon, iconColor }) => [icon, iconColor]),
      [
        ['pass', undefined],
        ['error', 'list.errorForeground'],
      ],
    );
  });
});
