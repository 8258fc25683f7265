import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { afterEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { sample } from '../support/samples.ts';

const PROGRAM = sample('hypervisor');
const MINE = resolve('samples/hypervisor/mine.mjs');

describe('DAP on a guest of a hypervisor', () => {
  let session: DebugSession;
  afterEach(() => session.client.close());

  async function launch(hypervisor: string | undefined): Promise<void> {
    session = new DebugSession();
    await session.client.request('initialize', { adapterID: 'start-of-day' });
    const configuration: Record<string, unknown> = { program: PROGRAM, hypervisor };
    await session.client.request('launch', configuration);
    await session.client.event('initialized');
  }
  async function begin(): Promise<void> {
    await session.client.request('configurationDone', undefined);
    await session.client.event('stopped');
  }

  it('stops before the hypercall of a function breakpoint, with its arguments', async () => {
    await launch(MINE);
    const { breakpoints } = await session.client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'hypercall now' }, { name: 'hypercall p*' }],
    });
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true, true],
    );
    await begin();
    const stopped = await session.resume('continue');
    assert.equal(stopped['reason'], 'function breakpoint');
    assert.match(String(stopped['text']), /^Before the hypercall print\(text=0x[0-9a-f]+, length=0x14\) at 0x001/);
    assert.deepEqual(stopped['hitBreakpointIds'], [breakpoints[1]?.id]);
    // VMCALL is 0f 01 c1.
    assert.equal(await session.evaluate('(*(u32*)$eip & 0xffffff) == 0xc1010f'), '1');
    assert.equal(await session.evaluate('hypercalls', 'repl'), 'The guest has made no hypercall to mine yet.');
    await session.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'hypercall now' }] });
    assert.match(String((await session.resume('continue'))['text']), /^Before the hypercall now\(\)/);
    const list = await session.evaluate('hypercalls', 'repl');
    assert.match(list, /^print {2}×6\n\n/);
    assert.match(list, /print\(text=0x[0-9a-f]+, length=0x14\) = 0x14 {2}from 0x[0-9a-f]{8} <print\+0x[0-9a-f]+>/);
  });

  it('steps over a hypercall that has a breakpoint', async () => {
    await launch(MINE);
    await session.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'hypercall *' }] });
    await begin();
    await session.resume('continue');
    const before = Number(await session.evaluate('$eip'));
    await session.resume('stepIn');
    assert.equal(Number(await session.evaluate('$eip')), before + 3);
    assert.match(await session.evaluate('hypercalls', 'repl'), /^print {2}×1\n/);
  });

  it('stops before every hypercall with the filter', async () => {
    await launch(MINE);
    await session.client.request('setExceptionBreakpoints', { filters: ['hypercall'] });
    await begin();
    for (const name of ['print', 'print', 'print']) {
      const stopped = await session.resume('continue');
      assert.match(String(stopped['text']), new RegExp(`^Before the hypercall ${name}\\(`));
    }
    await session.client.request('setExceptionBreakpoints', { filters: [] });
    await session.client.request('continue', { threadId: 1 });
    assert.deepEqual(await session.client.event('exited'), { exitCode: 1 });
  });

  it('says that bare hardware answers none', async () => {
    await launch(undefined);
    const { breakpoints } = await session.client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'hypercall print' }],
    });
    assert.equal(breakpoints[0]?.verified, false);
    assert.match(breakpoints[0].message ?? '', /hypervisor of this machine is native/);
    await begin();
    assert.match(await session.evaluate('hypercalls', 'repl'), /^The machine is bare hardware/);
    const rows = await session.client.request('startOfDay/machine', undefined);
    assert.match(JSON.stringify(rows), /nobody catches one yet: no IDT since the entry/);
  });

  it('refuses a hypervisor that there is not', async () => {
    await assert.rejects(launch('kwm'), /no hypervisor "kwm"/);
    await session.client.close();
    await assert.rejects(launch('./nowhere.mjs'), /nowhere\.mjs cannot be read/);
  });
});
