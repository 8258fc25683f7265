import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { ErrorVariables } from '../../src/adapter/protocol.ts';
import { DapClient, DapError } from '../support/dap-client.ts';
import { DebugSession } from '../support/debug-session.ts';
import { sample, symbolsOf } from '../support/samples.ts';

const PROGRAM = sample('multiboot');

describe('DAP launch', () => {
  let folder: string;
  let client: DapClient;
  before(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'launch-'))));
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => (client = DapClient.spawn()));
  afterEach(() => client.close());

  /** The error of a launch that must not work. */
  const refused = async (
    configuration: Record<string, unknown>,
    clientID = 'test',
  ): Promise<ErrorVariables & { showUser?: boolean }> => {
    await client.request('initialize', { adapterID: 'start-of-day', clientID });
    try {
      await client.request('launch', configuration);
    } catch (error) {
      assert.ok(error instanceof DapError);
      return { ...(error.body?.variables as unknown as ErrorVariables), showUser: error.body?.showUser };
    }
    throw new Error('the launch was accepted');
  };
  /** A copy of the sample with some bytes changed. */
  const damaged = (name: string, change: (bytes: Buffer) => Buffer): string => {
    const file = path.join(folder, name);
    writeFileSync(file, change(readFileSync(PROGRAM)));
    return file;
  };
  /** File offset of the Multiboot header of the sample. */
  const header = (bytes: Buffer): number => bytes.indexOf(Buffer.from([0x02, 0xb0, 0xad, 0x1b]));

  it('names a misspelt attribute and the right one', async () => {
    const error = await refused({ program: PROGRAM, memroy: '1M' });
    assert.equal(error.code, 'launch-attribute');
    assert.equal(error.title, 'The launch configuration has no attribute "memroy"');
    assert.equal(error.mend, 'Did you mean "memory"?');
  });

  it('names a CPU that there is not, and the one that is meant', async () => {
    const error = await refused({ program: PROGRAM, cpu: 'pentum' });
    assert.equal(error.title, '"cpu" cannot be "pentum"');
    assert.equal(error.mend, 'Did you mean "pentium"?');
  });

  it('shows an error itself, but leaves it to the extension in VS Code', async () => {
    assert.equal((await refused({ program: PROGRAM, memroy: '1M' })).showUser, true);
    await client.close();
    client = DapClient.spawn();
    assert.equal((await refused({ program: PROGRAM, memroy: '1M' }, 'vscode')).showUser, false);
  });

  it('refuses a file that is not there', async () => {
    const missing = path.join(folder, 'missing.elf');
    const error = await refused({ program: missing });
    assert.equal(error.title, `${missing} cannot be read`);
    assert.equal(error.detail, 'There is no such file');
    assert.equal(error.blame, 'user');
  });

  const images: [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['not-an-elf.txt', () => Buffer.from('This is a text and no kernel.\n'.repeat(20)), /not-an-elf\.txt/],
    ['truncated.elf', (bytes) => bytes.subarray(0, 0x800), /truncated\.elf|cut|end/],
    [
      'checksum.elf',
      (bytes) => {
        bytes.writeUInt32LE(0, header(bytes) + 8);
        return bytes;
      },
      /checksum/,
    ],
    [
      'unknown-flag.elf',
      (bytes) => {
        const at = header(bytes);
        const flags = bytes.readUInt32LE(at + 4) | 0x8000;
        bytes.writeUInt32LE(flags, at + 4);
        bytes.writeUInt32LE((0x100000000 - 0x1badb002 - flags) >>> 0, at + 8);
        return bytes;
      },
      /flag/,
    ],
  ];
  for (const [name, change, title] of images)
    it(`refuses ${name} with a title, where it says so, and a mend`, async () => {
      const error = await refused({ program: damaged(name, change), entry: 'multiboot' });
      assert.match(`${error.title}\n${error.detail ?? ''}`, title);
      assert.notEqual(error.blame, 'internal');
      assert.ok((error.mend ?? '').length > 0);
    });

  it('refuses a kernel that is larger than memory, and memory that cannot be', async () => {
    const error = await refused({ program: PROGRAM, memory: '1M' });
    assert.match(error.title, /does not fit in 1 MiB/);
    assert.match(error.mend ?? '', /"memory"/);
  });

  it('refuses what is not a size', async () => {
    assert.equal((await refused({ program: PROGRAM, memory: 'much' })).title, '"much" is not a size for "memory"');
  });

  it('refuses a module that is not there and a register that is none', async () => {
    assert.match(
      (await refused({ program: PROGRAM, modules: [{ file: '/no/such/initrd' }] })).title,
      /^\/no\/such\/initrd cannot be read$/,
    );
    assert.match((await refused({ program: PROGRAM, registers: { eex: '1' } })).title, /There is no register "eex"/);
  });

  it('sets registers at entry and calls them set', async () => {
    const session = new DebugSession(client);
    await client.boot({ program: PROGRAM, registers: { eax: '0x1', ESI: 'kernel_main' } });
    assert.equal(await session.evaluate('$eax'), '1');
    assert.equal(await session.evaluate('$esi == kernel_main'), '1');
    const { promises } = await client.request('startOfDay/boot');
    assert.equal(promises.find(({ item }) => item === 'EAX')?.verdict, 'set');
  });

  it('hands modules over', async () => {
    const module = path.join(folder, 'module.bin');
    writeFileSync(module, 'module contents');
    const session = new DebugSession(client);
    await client.boot({ program: PROGRAM, modules: [{ file: module, cmdline: 'one two' }] });
    assert.equal(await session.evaluate('*(u32*)($ebx + 20)'), '1');
    const start = await session
      .evaluate('*(u32*)*(u32*)($ebx + 24)')
      .catch(() => session.evaluate('u32[u32[$ebx + 24]]'));
    assert.equal((await session.memory(start.split(' ')[0] ?? '', 15)).toString(), 'module contents');
  });

  it('runs at once without stopOnEntry, and keeps serial out of the console for a terminal', async () => {
    await client.start({ program: PROGRAM, stopOnEntry: false, serial: 'terminal' });
    assert.equal((await client.event('stopped'))['reason'], 'halt');
    // Port 0xe9 is no serial port.
    assert.equal(client.outputOf('stdout'), 'paravirt: hello, host\n');
    const serial = client.events
      .filter(({ event }) => event === 'startOfDay/serial')
      .map(({ body }) => (body as { text: string }).text);
    assert.match(serial.join(''), /^paravirt: running on bare hardware\r\n/);
  });

  it('takes the symbols of another file with a bias', async () => {
    const other = path.join(folder, 'other.elf');
    copyFileSync(sample('triple-fault'), other);
    const session = new DebugSession(client);
    await client.boot({ program: PROGRAM, symbols: [{ file: other, bias: '0x40000000' }] });
    const die = (symbolsOf(sample('triple-fault')).get('die') ?? 0) + 0x40000000;
    assert.equal(await session.evaluate('die'), `0x${die.toString(16).toUpperCase()} <die>`);
  });

  it('refuses requests that need a machine before there is one', async () => {
    await client.request('initialize', { adapterID: 'start-of-day' });
    await assert.rejects(client.request('stackTrace', { threadId: 1 }), /There is no machine yet/);
  });
});

describe('DAP on a port', () => {
  it('serves two sessions at once', async () => {
    const adapter = spawn(process.execPath, ['dist/adapter.js', '--port', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      const [line] = (await once(adapter.stderr, 'data')) as [Buffer];
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]);
      const sessions = await Promise.all([DapClient.connect(port), DapClient.connect(port)]);
      const [first, second] = sessions.map((client) => new DebugSession(client));
      assert.ok(first !== undefined && second !== undefined);
      await Promise.all([
        first.client.boot({ program: PROGRAM }),
        second.client.boot({ program: sample('triple-fault') }),
      ]);
      await first.resume('stepIn');
      assert.equal(await first.place(), '_start+0x5');
      assert.equal(await second.place(), '_start');
      assert.equal((await second.resume('continue'))['description'], 'Triple fault');
      assert.equal((await first.resume('continue'))['description'], 'Halted');
      for (const { client } of [first, second]) {
        await client.request('disconnect', {});
        await client.close();
      }
    } finally {
      adapter.kill();
    }
  });

  it('names the right option for a misspelt one', async () => {
    const adapter = spawn(process.execPath, ['dist/adapter.js', '--prot', '1'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [[line], [status]] = (await Promise.all([once(adapter.stderr, 'data'), once(adapter, 'exit')])) as [
      [Buffer],
      [number],
    ];
    assert.match(line.toString(), /There is no option "--prot"\n {2}Did you mean "--port"\?/);
    assert.equal(status, 2);
  });
});
