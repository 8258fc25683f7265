import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { debianGuest } from '../support/guests.ts';
import { reference, symbolsOf } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

/**
 * GNU Mach 1.8 of Debian, which nobody here wrote: linked at 0xc1000000, loaded at 0x1000000, run with a segment base of 0x40000000 until
 * it turns paging on. Its debugger trap runs without a stack when it is entered early. The tests follow one run.
 */
describe('DAP on GNU Mach', function () {
  this.timeout(60_000);
  const session = new DebugSession();
  let folder: string | undefined;
  let kernel: string;
  let symbols: Map<string, number>;
  /** Virtual minus physical address of the segment with the code, as readelf tells it. */
  let bias: number;

  before(async function () {
    for (const tool of ['nm', 'readelf', 'gdb']) requireTool(this, tool);
    const { name, bytes } = debianGuest(this, 'gnumach');
    folder = mkdtempSync(join(tmpdir(), 'gnu-mach-'));
    kernel = join(folder, name);
    writeFileSync(kernel, bytes);
    symbols = symbolsOf(kernel);
    const segments = execFileSync('readelf', ['-lW', kernel], { encoding: 'utf8' });
    const [, linked, loaded] = /LOAD +0x[0-9a-f]+ (0x[0-9a-f]+) (0x[0-9a-f]+) .* R E /.exec(segments) ?? [];
    bias = Number(linked) - Number(loaded);
    await session.client.boot({ program: kernel, cmdline: 'gnumach console=com0' });
  });
  after(async () => {
    await session.client.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const addressOf = (name: string): number => {
    const address = symbols.get(name);
    if (address === undefined) throw new Error(`nm lists no ${name}`);
    return address;
  };
  const stopAt = async (...names: string[]): Promise<Record<string, unknown>> => {
    const { breakpoints } = await session.client.request('setFunctionBreakpoints', {
      breakpoints: names.map((name) => ({ name })),
    });
    for (const breakpoint of breakpoints) assert.equal(breakpoint.verified, true);
    return session.resume('continue');
  };
  const place = async (): Promise<string | undefined> => (await session.frames())[0]?.instructionPointerReference;
  const names = async (): Promise<string[]> => (await session.frames()).map(({ name }) => name.replace(/\+.*/, ''));
  /** What GDB names the place that a frame returns to. */
  const symbolByGdb = (address: string): string =>
    /^(\S+)/.exec(
      execFileSync('gdb', ['-nx', '-batch', '-ex', `info symbol ${address}`, kernel], { encoding: 'utf8' }),
    )?.[1] ?? '';

  it('stops at the physical address of the entry', async () => {
    const header = execFileSync('readelf', ['-hW', kernel], { encoding: 'utf8' });
    const entry = Number(/Entry point address: +(0x[0-9a-f]+)/.exec(header)?.[1]);
    assert.equal(await place(), reference(entry - bias));
    assert.equal(await session.evaluate('$cr0.pg'), '0');
  });

  it('stops before paging at a function that is linked high', async () => {
    assert.equal((await stopAt('c_boot_entry'))['reason'], 'function breakpoint');
    assert.equal(await place(), reference(addressOf('c_boot_entry') - bias));
    // EIP is the linked address, by the base that the kernel has given its code segment.
    assert.equal(await session.evaluate('$eip == c_boot_entry'), '1');
    assert.equal(await session.evaluate('$cs.base == 0x40000000'), '1');
    assert.deepEqual(await names(), ['c_boot_entry', 'iplt_done']);
    assert.equal(await session.evaluate('$cr0.pg'), '0');
  });

  it('names code, callers and variables once paging is on', async () => {
    await stopAt('vm_page_setup');
    assert.equal(await place(), reference(addressOf('vm_page_setup')));
    assert.match((await session.variable('Control', 'CR0')).value, / · PE ET WP PG · paging on, WP=1$/);
    assert.match((await session.variable('Control', 'CR0', 'PG')).value, /^1 · bit 31, paging on$/);
    const frames = await session.frames();
    assert.deepEqual(
      frames.map(({ name }) => name.replace(/\+.*/, '')),
      ['vm_page_setup', 'vm_page_bootstrap', 'vm_mem_bootstrap', 'setup_main', 'c_boot_entry', 'iplt_done'],
    );
    for (const { name, instructionPointerReference: at = '' } of frames.slice(0, -1))
      assert.equal(name.replace(/\+.*/, ''), symbolByGdb(at));
    assert.equal(await session.evaluate('&version == version'), '1');
    const text = await session.memory(reference(addressOf('version')), 12);
    assert.equal(text.toString('latin1'), 'GNU Mach 1.8');
  });

  it('steps out of a function of the kernel', async () => {
    const [, caller] = await session.frames();
    await session.client.request('setFunctionBreakpoints', { breakpoints: [] });
    await session.resume('stepOut');
    assert.equal(await place(), caller?.instructionPointerReference);
  });

  it('stops where it looks for the x87 unit, with the way there', async () => {
    await stopAt('init_fpu');
    assert.deepEqual((await names()).slice(0, 2), ['init_fpu', 'machine_init']);
  });

  it('explains the triple fault that follows: the first fault, the instruction, and why no handler ran', async () => {
    const registers = { variablesReference: await session.scope('Registers') };
    await session.client.request('setVariable', { ...registers, name: 'EIP', value: 'Debugger' });
    const stopped = await session.resume('continue');
    assert.equal(stopped['description'], 'Triple fault');
    assert.equal(stopped['text'], '#PF → #DF → shutdown');
    // Its trap handler takes the stack of a thread, and there is none yet: the first push goes to 0 - 4.
    assert.equal(await session.evaluate('$esp'), '0');
    assert.equal(await session.evaluate('u8[$eip] == 0x53'), '1', 'PUSH EBX');
    const { description = '' } = await session.client.request('exceptionInfo', { threadId: 1 });
    const lines = description.split('\n');
    assert.match(lines[0] ?? '', /^#PF → #DF → shutdown, at instruction [\d,]+$/);
    assert.match(
      lines[1] ?? '',
      /^1\. #PF\(0x2\) at 0x0008:0xc[0-9a-f]{7} <trap_from_kernel\+0x[0-9a-f]+>: write of lin:0xfffffffc: page directory entry not present \(PDE 1023 at phys:0x[0-9a-f]{8} is 0x00000000\)\.$/,
    );
    assert.match(lines[2] ?? '', /^2\. #DF\(0\): #PF\(0x2\) while delivering #PF\(0x2\): write of lin:0xfffffffc/);
    assert.match(lines[3] ?? '', /^3\. Shutdown: write of lin:0xfffffffc/);
    assert.match(
      lines[4] ?? '',
      /^Point SS:ESP at mapped, writable memory before instruction [\d,]+: the handler of #PF needs a stack\.$/,
    );
    assert.deepEqual((await names()).slice(0, 3), ['trap_from_kernel', 'Debugger', 'machine_init']);
  });
});
