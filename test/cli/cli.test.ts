import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { sample, symbolsOf } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

const PARAVIRT = sample('multiboot');

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...words: string[]): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

interface Report {
  readonly stop: { readonly reason: string; readonly description: string };
  readonly instructions: number;
  readonly registers: Readonly<Record<string, string>>;
  readonly vga: readonly string[];
  readonly faults: readonly Readonly<Record<string, unknown>>[];
  readonly [other: string]: unknown;
}

function bootJson(...words: string[]): Report & { readonly status: number | null } {
  const { status, stdout, stderr } = run('boot', ...words, '--json');
  assert.equal(stderr, '');
  return { ...(JSON.parse(stdout) as Report), status };
}

describe('start-of-day boot', () => {
  it('prints COM1 to standard output and why it stopped to standard error', () => {
    const { status, stdout, stderr } = run('boot', PARAVIRT);
    assert.match(stdout, /^paravirt: running on bare hardware\r\n/);
    assert.match(stderr, /^Halted with interrupts off at 0x001000fd/);
    assert.equal(status, 0);
  });

  it("runs a guest on a hypervisor of the user's own", () => {
    const report = bootJson('samples/hypervisor/hypervisor.elf', '--hypervisor', 'samples/hypervisor/mine.mjs');
    assert.equal(report['hypervisor'], 'mine');
    assert.equal(report.stop.reason, 'shutdown');
    assert.deepEqual(report['hypercalls'], { print: 8, now: 1, shutdown: 1 });
    // 20061028 * 1103515245 + 12345, modulo 2^32, shifted right by 16.
    assert.match(
      String(report['serial']),
      /guest: this is Mine\nguest: boots so far 1\nguest: a random number 23046\n/,
    );
  });

  it('prints exactly the object of the contract with --json', () => {
    const report = bootJson(PARAVIRT, '--append', 'exit');
    assert.deepEqual(Object.keys(report).sort(), [
      ...[
        'cpl',
        'entry',
        'exitCode',
        'faults',
        'hypercalls',
        'hypervisor',
        'instructions',
        'mode',
        'registers',
        'serial',
      ],
      ...['status', 'stop', 'vga'],
    ]);
    assert.equal(report['entry'], 'multiboot');
    assert.equal(report['hypervisor'], 'native');
    assert.equal(report.stop.reason, 'debug-exit');
    assert.equal(report['exitCode'], 1);
    assert.equal(report['mode'], 'protected-32');
    assert.equal(report['cpl'], 0);
    assert.deepEqual(report['hypercalls'], {});
    assert.deepEqual(report.faults, []);
    assert.equal(report.vga.length, 25);
    assert.ok(report.vga.every((line) => line.length === 80));
    assert.match(String(report['serial']), /paravirt: interrupts disabled: off\r\n$/);
    assert.equal(report.status, 0);
  });

  it('shows the state at entry with --max 0 (Multiboot 0.6.96, 3.2)', () => {
    const report = bootJson(PARAVIRT, '--max', '0');
    assert.equal(report.stop.reason, 'entry');
    assert.equal(report.instructions, 0);
    assert.equal(report.registers['eax'], '0x2badb002');
    assert.equal(report.registers['eip'], '0x001000d0');
    assert.equal(Number(report.registers['cr0']) & 0x80000001, 1);
    assert.equal(Number(report.registers['eflags']) & 0x20200, 0);
    assert.deepEqual(Object.keys(report.registers), [
      ...['eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'esp', 'eip', 'eflags'],
      ...['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'cr0', 'cr2', 'cr3', 'cr4', 'efer'],
    ]);
    assert.match(report.registers['cs'] ?? '', /^0x[0-9a-f]{4}$/);
    assert.equal(report.status, 0);
  });

  it('stops after --max instructions', () => {
    const report = bootJson(PARAVIRT, '--max', '1234');
    assert.equal(report.instructions, 1234);
    assert.equal(report.stop.reason, 'max-instructions');
    assert.equal(report.status, 0);
  });

  it('stops before --until, a symbol or an address', function () {
    requireTool(this, 'nm');
    const address = symbolsOf(PARAVIRT).get('kernel_main') ?? 0;
    for (const place of ['kernel_main', `0x${address.toString(16)}`]) {
      const report = bootJson(PARAVIRT, '--until', place);
      assert.equal(report.stop.reason, 'breakpoint');
      assert.equal(Number(report.registers['eip']), address);
      assert.equal(report.status, 0);
    }
    assert.equal(run('boot', PARAVIRT, '--until', '0x300000').status, 1);
  });

  it('records the chain of a triple fault and says that the guest died', () => {
    const report = bootJson(sample('triple-fault'));
    assert.equal(report.stop.reason, 'triple-fault');
    assert.deepEqual(
      report.faults.slice(0, 3).map(({ exception }) => exception),
      ['#UD', '#GP(0x33)', '#DF(0)'],
    );
    assert.equal(report.faults[0]?.['errorCode'], null);
    assert.equal(report.faults[1]?.['errorCode'], '0x33');
    assert.equal(report.faults[1]['during'], 'delivering #UD');
    assert.equal(report.status, 1);
  });

  it('gives the same answer with each engine', () => {
    const [translated, fast, slow] = ['translator', 'interpreter', 'reference'].map((engine) =>
      bootJson(PARAVIRT, '--append', 'exit', '--engine', engine),
    );
    assert.deepEqual(translated, slow);
    assert.deepEqual(fast, slow);
  });

  it('types text at an instruction count, the same each time', () => {
    const [first, second] = [0, 1].map(() => bootJson(sample('keyboard'), '--type', 'abc q@1000000'));
    assert.equal(first?.stop.reason, 'debug-exit');
    assert.match(String(first['serial']), /\nabc /);
    assert.deepEqual(first, second);
  });

  it('sets registers and hands modules over', () => {
    const report = bootJson(PARAVIRT, '--max', '0', '--register', 'ecx=0x123', '--register=esi=kernel_main+1');
    assert.equal(report.registers['ecx'], '0x00000123');
    assert.equal(report.registers['esi'], '0x0010077f');
  });

  const wrong: [string[], RegExp][] = [
    [[], /^start-of-day explain FILE/],
    [['bot'], /There is no command "bot"\n {2}Did you mean "boot"\?/],
    [['boot'], /boot needs the file of a kernel/],
    [['boot', 'a', 'b'], /boot takes one file, but "b" came after "a"/],
    [['boot', PARAVIRT, '--memroy', '1M'], /There is no option "--memroy"\n {2}Did you mean "--memory"\?/],
    [['boot', PARAVIRT, '--memory'], /--memory needs a value\n {2}Write --memory SIZE\./],
    [['boot', PARAVIRT, '--memory', 'lots'], /"lots" is not a size for "--memory"/],
    [['boot', PARAVIRT, '--json=1'], /--json takes no value/],
    [['boot', PARAVIRT, '--max', '1', '--max', '2'], /--max is given twice/],
    [['boot', PARAVIRT, '--max', '-5'], /--max needs a whole number, not "-5"/],
    [['boot', PARAVIRT, '--entry', 'multibot'], /There is no entry "multibot"[^]*Did you mean "multiboot"\?/],
    [
      ['boot', PARAVIRT, '--engine', 'jit'],
      /There is no engine "jit" in this version[^]*translator, interpreter, reference/,
    ],
    [['boot', PARAVIRT, '--hypervisor', 'kwm'], /There is no hypervisor "kwm"[^]*Did you mean "kvm"\?/],
    [['boot', PARAVIRT, '--cpu', 'pentum'], /There is no CPU "pentum"[^]*Did you mean "pentium"\?/],
    [['boot', PARAVIRT, '--cpu', 'z80'], /There is no CPU "z80"[^]*default, 486, pentium, pentium-pro/],
    [['boot', PARAVIRT, '--cpu', ''], /There is no CPU ""[^]*default, 486, pentium, pentium-pro/],
    [['boot', PARAVIRT, '--cpu', '486', '--cpu', '486'], /--cpu is given twice/],
    [['boot', PARAVIRT, '--register', 'ecx'], /--register "ecx" sets nothing/],
    [['boot', PARAVIRT, '--register', 'exc=1'], /There is no register "exc"/],
    [
      ['boot', PARAVIRT, '--until', 'kernel_mian'],
      /There is no symbol or register "kernel_mian"\n {2}Did you mean "kernel_main"\?/,
    ],
    [['boot', PARAVIRT, '--type', 'abc'], /--type "abc" does not say when/],
    [['boot', '/no/such/kernel'], /\/no\/such\/kernel cannot be read\n {2}There is no such file/],
    [['boot', 'samples'], /samples cannot be read\n {2}It is a folder/],
    [['explain'], /explain needs the file of a kernel/],
    [['dap', '--port', 'x'], /--port needs a number from 0 to 65535, not "x"/],
    [['dap', 'file'], /dap takes no operand, but was given "file"/],
  ];
  for (const [words, message] of wrong)
    it(`answers bad usage: ${words.map((word) => path.basename(word)).join(' ')}`, () => {
      const { status, stdout, stderr } = run(...words);
      assert.match(words.length === 0 ? stdout : stderr, message);
      assert.equal(status, 2);
    });
});

describe('start-of-day explain', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'explain-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('says what a kernel offers and what the other ways miss', () => {
    const { status, stdout } = run('explain', PARAVIRT);
    assert.match(stdout, /^multiboot +yes /m);
    assert.match(stdout, /^pvh +no /m);
    assert.match(stdout, /mend: /);
    assert.equal(status, 0);
  });

  it('prints the same as JSON', () => {
    const report = JSON.parse(run('explain', PARAVIRT, '--json').stdout) as {
      protocols: { entry: string; offered: boolean }[];
    };
    assert.equal(report.protocols.find(({ entry }) => entry === 'multiboot')?.offered, true);
    assert.equal(report.protocols.find(({ entry }) => entry === 'xen-pv')?.offered, false);
  });

  it('explains a file that is no kernel', () => {
    const file = path.join(folder, 'notes.txt');
    writeFileSync(file, 'no kernel at all');
    const { status, stdout } = run('explain', file);
    assert.match(stdout, /^multiboot +no /m);
    assert.equal(status, 0);
  });
});

describe('start-of-day', () => {
  it('shows help with every option, and its version', () => {
    const { stdout, status } = run('--help');
    assert.equal(status, 0);
    for (const option of [
      '--entry',
      '--append',
      '--module',
      '--memory',
      '--until',
      '--max',
      '--type',
      '--json',
      '--port',
    ])
      assert.ok(stdout.includes(option), option);
    assert.match(run('boot', '--help').stdout, /^start-of-day boot FILE \[OPTION\]\.\.\.\n/);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal(run('--version').stdout, `${version}\n`);
  });
});
