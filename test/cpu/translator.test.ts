import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { SAMPLING } from '../../src/cpu/translator/sampler.ts';
import { assemble } from '../support/assembler.ts';
import { Guest, PLACE } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';

describe('hot code', function () {
  this.timeout(60_000);

  before(function () {
    requireTool(this, 'gcc');
  });

  /** Millions of instructions per second of this process's time in a loop, the best of some runs. */
  const speed = (engine: EngineName, source: string): number => {
    const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes, sampling: SAMPLING });
    let best = 0;
    for (let n = 0; n < 8; n++) {
      const start = process.cpuUsage();
      assert.equal(guest.run(5_000_000).kind, 'budget');
      best = Math.max(best, 5_000_000 / process.cpuUsage(start).user);
    }
    return best;
  };

  const loop = (data: string): string => `
    again:
      inc dword ptr [${data}]
      add eax, dword ptr [${data}]
      xor ebx, eax
      mov dword ptr [${data} + 4], ebx
      dec ecx
      jmp again
      .balign 64
    beside: .long 0, 0`;

  it('is translated, and runs at least twice as fast for it', () => {
    const source = loop(String(PLACE.data));
    assert.ok(speed('translator', source) > 2 * speed('interpreter', source));
  });

  it('keeps half of its speed when its data is beside it, in another line of its page', () => {
    const apart = speed('translator', loop(String(PLACE.data)));
    const beside = speed('translator', loop('beside'));
    assert.ok(beside > apart / 2, `${beside.toFixed()} MIPS, apart ${apart.toFixed()}`);
  });
});
