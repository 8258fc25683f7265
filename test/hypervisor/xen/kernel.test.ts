import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { Context } from 'mocha';
import { hashSnapshot } from '../../../src/machine/machine-snapshot.ts';
import { ENGINES } from '../../support/cpu-harness.ts';
import { buildXenKernel, XEN_NOTES, xenNote } from '../../boot/xen-kernels.ts';
import { MIB } from '../../boot/kernels.ts';
import { bootXen, type XenRun } from './boot.ts';

const SOURCE = readFileSync(path.join(import.meta.dirname, 'kernel.S'), 'utf8');
const LIMIT = { maxInstructions: 1_000_000 };
/** The log's mark in front of a line, then a letter for each thing that works. */
const ALL = '(d1) abcdefghijkmz';

function kernel(test: Context, pae: boolean): Uint8Array {
  const header = pae ? XEN_NOTES : XEN_NOTES + xenNote(9, 'no');
  return buildXenKernel(test, { header, code: `.set PAE, ${pae ? 1 : 0}\n${SOURCE}\n.att_syntax` });
}

describe('a PV kernel of our own on Xen', function () {
  this.timeout(30_000);

  for (const pae of [true, false])
    for (const engine of ENGINES)
      it(`${engine}, ${pae ? 'PAE' : 'without PAE'}: traps, events, timer, page tables, multicall and ring 3`, function () {
        const { machine, printed } = bootXen(kernel(this, pae), { engine, memory: 16 * MIB });
        const stop = machine.run(LIMIT);
        assert.equal(printed(), ALL);
        assert.equal(stop.reason, 'shutdown');
        assert.match(stop.description, /HYPERVISOR_sched_op: poweroff/);
        assert.deepEqual(
          machine.faults.map(({ vector }) => vector),
          [6, 13, 14, 14],
        );
        assert.deepEqual(
          ['update_va_mapping', 'multicall', 'iret', 'sched_op.block', 'event_channel_op.bind_virq'].map((name) =>
            machine.hypercalls.counts.get(name),
          ),
          [4, 1, 2, 1, 1],
        );
        // 5 ms are 500,000 ticks, most of which the guest was blocked.
        assert.ok(machine.ticks >= 500_000 && machine.ticks < 501_000, machine.ticks.toString());
        assert.ok(machine.instructions < 2000);
      });

  it('goes on from a snapshot at every 150th instruction as if there had been none', function () {
    const bytes = kernel(this, true);
    const boot = (): XenRun => bootXen(bytes, { memory: 8 * MIB });
    const whole = boot();
    whole.machine.run(LIMIT);
    const end = hashSnapshot(whole.machine.save());
    const first = boot();
    for (let cut = 150; cut < whole.machine.instructions; cut += 150) {
      first.machine.run({ maxInstructions: 150 });
      const second = boot();
      second.machine.restore(first.machine.save());
      second.machine.run(LIMIT);
      assert.equal(hashSnapshot(second.machine.save()), end, `cut at ${cut}`);
    }
  });

  it('stops before a hypercall, with its name and arguments', function () {
    const { machine } = bootXen(kernel(this, true), { memory: 16 * MIB });
    machine.hypercalls.stopBefore = ({ name }) => name === 'sched_op.shutdown';
    const stop = machine.run(LIMIT);
    assert.equal(stop.reason, 'hypercall');
    assert.match(stop.description, /sched_op\.shutdown\(cmd=0x2 shutdown, arg=0x[0-9a-f]+ reason 0\)/);
    assert.equal(machine.run(LIMIT).reason, 'shutdown');
  });

  it('ends the domain at a fault before there is a trap table, and says so', function () {
    const code = '.globl _start\n_start: movl $0x1234, 0xb0000000\n';
    const { machine } = bootXen(buildXenKernel(this, { header: XEN_NOTES, code }), { memory: 16 * MIB });
    const stop = machine.run(LIMIT);
    assert.equal(stop.reason, 'error');
    assert.match(
      stop.description,
      /#PF\(0x2\) \(write of lin:0xb0000000: .*\) at 0x[0-9a-f]+, and there is no trap table yet/,
    );
  });
});
