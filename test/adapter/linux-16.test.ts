import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realModeImage } from '../machine/firmware/real-mode-guest.ts';
import { DebugSession } from '../support/debug-session.ts';
import { requireTool } from '../support/tools.ts';

describe('DAP at the 16-bit Linux entry', function () {
  this.timeout(60_000);
  let session: DebugSession;
  let folder: string;

  before(function () {
    requireTool(this, 'nasm');
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'linux-16-'));
    const program = join(folder, 'kernel');
    writeFileSync(program, realModeImage('mov ax, 0x0e41\nint 0x10'));
    session = new DebugSession();
    await session.client.boot({ program, entry: 'linux16', cmdline: 'hello' });
  });
  afterEach(async () => {
    await session.client.close();
    rmSync(folder, { recursive: true });
  });

  it('stops in real mode behind the boot sector, with the setup header to look at', async () => {
    const [frame] = await session.frames();
    assert.match(frame?.instructionPointerReference ?? '', /90200$/);
    assert.equal((await session.variable('Control', 'CR0', 'PE')).value, '0 · bit 0, real mode');
    assert.match((await session.variable('Segments', 'CS')).value, /^0x9020 · /);
    assert.match((await session.variable('Registers', 'ESP')).value, /^0x0000E000/);
    assert.match((await session.variable('Start of Day', 'setup_header')).value, /^0x00090000 · DS at entry/);
    assert.match((await session.variable('Start of Day', 'setup_header', 'cmd_line_ptr')).value, /"hello"/);
  });

  it('steps into INT 10h: two instructions of the ROM, and back', async () => {
    const { client } = session;
    const step = async (): Promise<number> => {
      await client.request('stepIn', { threadId: 1, granularity: 'instruction' });
      await client.event('stopped');
      const [frame] = await session.frames();
      return Number(frame?.instructionPointerReference);
    };
    let at = 0;
    for (let steps = 0; at !== 0xff065; steps++) {
      assert.ok(steps < 20);
      at = await step();
    }
    const { instructions = [] } =
      (await client.request('disassemble', { memoryReference: '0xff065', instructionCount: 2 })) ?? {};
    assert.deepEqual(
      instructions.map(({ instruction }) => instruction.replace(/\s+/g, ' ')),
      ['out %al,$0xb8', 'iret'],
    );
    assert.deepEqual(await session.memory('0xb8000', 1), Buffer.of(0));
    assert.equal(await step(), 0xff067);
    assert.deepEqual(await session.memory('0xb8000', 1), Buffer.from('A'));
    assert.ok((await step()) < 0x98000);
  });
});
