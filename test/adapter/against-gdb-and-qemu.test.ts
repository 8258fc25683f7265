import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { marked, underGdbAndQemu } from '../support/gdb-and-qemu.ts';
import { reference, sample, symbolsOf } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

const PROGRAM = sample('multiboot');
const REGISTERS = ['eip', 'eax', 'ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp', 'esp', 'eflags'] as const;
const SEGMENTS = ['cs', 'ds', 'es', 'ss'] as const;
const STEPS = 300;
/** The image from its header to the end of its zeroed memory, with the stack. */
const IMAGE = { start: 0x100000, length: 0x3800 } as const;

/** In the upper word of a descriptor. */
const ACCESSED = 0x100;

const PRINT_STATE = `printf "state ${REGISTERS.map(() => '%08x').join(' ')}\\n", ${REGISTERS.map((name) => `$${name}`).join(', ')}`;
const PRINT_BYTES = [
  `set $word = ${IMAGE.start}`,
  `while $word < ${IMAGE.start + IMAGE.length}`,
  '  printf "word %08x\\n", *(unsigned int *)$word',
  '  set $word = $word + 4',
  'end',
];

/** One line for each register: `eax 2badb002`. */
type State = Readonly<Record<string, string>>;

/**
 * The same image in three debuggers' hands. Two things are not compared, because nobody promises them: the registers that Multiboot
 * leaves open start as QEMU's loader left them (`registers` of the launch configuration sets them), and the selectors and tables
 * before the kernel loads its own. EBX needs no mask: both loaders put the information structure at 0x9500. Its contents are not
 * reached here: memory maps differ from machine to machine. QEMU steps a repeated string instruction in larger
 * pieces than we and the processor do, so states are compared where EIP has changed.
 */
describe('DAP beside GDB and QEMU on the same image', function () {
  this.timeout(90_000);
  const session = new DebugSession();
  let qemu: string;
  let states: State[];

  before(async function () {
    requireTool(this, 'gdb');
    requireTool(this, 'qemu-system-i386');
    requireTool(this, 'nm');
    const symbols = symbolsOf(PROGRAM);
    qemu = underGdbAndQemu(PROGRAM, [
      'monitor info registers',
      'set $i = 0',
      `while $i < ${STEPS}`,
      PRINT_STATE,
      'set $before = $eip',
      'while $eip == $before',
      'stepi',
      'end',
      'set $i = $i + 1',
      'end',
      'disassemble /r _start,kernel_main+8',
      'hbreak *set_exception_gates',
      'continue',
      PRINT_STATE,
      'echo later\\n',
      'monitor info registers',
      ...PRINT_BYTES,
    ]);
    states = marked(qemu, 'state').map((line) => {
      const values = line.split(' ');
      return Object.fromEntries(REGISTERS.map((name, index) => [name, values[index] ?? '']));
    });
    assert.equal(states.length, STEPS + 1);
    assert.equal(states[0]?.['eip'], symbols.get('_start')?.toString(16).padStart(8, '0'));
    // GDB and QEMU on the promise itself (Multiboot 0.6.96, 3.2): EAX holds the magic number.
    assert.equal(states[0]?.['eax'], '2badb002');
    const open = ['ecx', 'edx', 'esi', 'edi', 'ebp', 'esp', 'eflags'];
    const registers = Object.fromEntries(open.map((name) => [name, `0x${states[0]?.[name] ?? ''}`]));
    await session.client.boot({ program: PROGRAM, poison: false, registers });
  });
  after(() => session.client.close());

  const state = async (): Promise<State> => {
    const rows = await session.children(await session.scope('Registers'));
    const value = (name: string): string =>
      /^0x([0-9A-F]{8})/.exec(rows.find((row) => row.name === name.toUpperCase())?.value ?? '')?.[1] ?? '';
    return Object.fromEntries(REGISTERS.map((name) => [name, value(name).toLowerCase()]));
  };

  it('enters with the same segments: base 0, 4 GiB', async () => {
    const [atEntry = ''] = qemu.split('later\n');
    for (const name of SEGMENTS) assert.deepEqual(await ours(name), theirs(atEntry, name), name);
  });

  it(`has every general register and every flag after each of ${STEPS} steps`, async () => {
    let previous: string | undefined;
    for (const [index, expected] of states.slice(0, STEPS).entries()) {
      assert.deepEqual(await state(), expected, `step ${index}, after ${previous ?? 'entry'}`);
      previous = expected['eip'];
      do {
        await session.client.request('stepIn', { threadId: 1, granularity: 'instruction' });
        await session.client.event('stopped');
      } while ((await state())['eip'] === previous);
    }
  });

  it('finds the instruction boundaries and bytes of GDB', async () => {
    const expected = [...qemu.matchAll(/^(?:=>)? +0x([0-9a-f]{8}) <[^>]*>:\t((?:[0-9a-f]{2} ?)+) *\t/gm)].map(
      ([, address = '', bytes = '']) => `${address} ${bytes.trim()}`,
    );
    assert.ok(expected.length > 300, `GDB lists ${expected.length} instructions`);
    const { instructions = [] } =
      (await session.client.request('disassemble', {
        memoryReference: `0x${expected[0]?.split(' ')[0] ?? ''}`,
        instructionCount: expected.length,
      })) ?? {};
    assert.deepEqual(
      instructions.map(({ address, instructionBytes }) => `${address.slice(2)} ${instructionBytes ?? ''}`),
      expected,
    );
  });

  it('comes to a function later with the same registers, segments of its own GDT, and memory', async () => {
    const function_ = symbolsOf(PROGRAM).get('set_exception_gates') ?? 0;
    await session.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'set_exception_gates' }] });
    await session.resume('continue');
    assert.equal((await session.frames())[0]?.instructionPointerReference, reference(function_));
    assert.deepEqual(await state(), states[STEPS]);

    const [, later = ''] = qemu.split('later\n');
    for (const name of SEGMENTS) {
      assert.deepEqual(await ours(name), theirs(later, name), name);
      const selector = new RegExp(`^${name.toUpperCase()} =([0-9a-f]{4}) `, 'm').exec(later)?.[1] ?? '';
      assert.equal(await session.evaluate(`$${name} == 0x${selector}`), '1', name);
    }
    const [, base = '', limit = ''] = /^GDT= +([0-9a-f]{8}) ([0-9a-f]{8})/m.exec(later) ?? [];
    assert.equal(await session.evaluate(`$gdtr.base == 0x${base} && $gdtr.limit == 0x${limit}`), '1');

    const bytes = await session.memory(reference(IMAGE.start), IMAGE.length);
    const words = Array.from({ length: IMAGE.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
    const expected = marked(qemu, 'word').map((word) => parseInt(word, 16));
    // A far jump sets the accessed bit of the code descriptor (SDM 3, 3.4.5.1); QEMU leaves it out.
    const selector = parseInt(/^CS =([0-9a-f]{4}) /m.exec(later)?.[1] ?? '', 16);
    const descriptor = (parseInt(base, 16) + selector + 4 - IMAGE.start) / 4;
    expected[descriptor] = (expected[descriptor] ?? 0) | ACCESSED;
    assert.deepEqual(words.map(word32), expected.map(word32));
  });

  /** Base and limit of a segment register. */
  const ours = async (name: string): Promise<string[]> =>
    Promise.all(
      ['base', 'limit'].map(async (field) =>
        Number((await session.evaluate(`$${name}.${field}`)).split(' ')[0])
          .toString(16)
          .padStart(8, '0'),
      ),
    );
});

function word32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

/** Base and limit as `info registers` of QEMU's monitor gives them: `CS =0008 00000000 ffffffff 00cf9a00 DPL=0 CS32 [-R-]`. */
function theirs(output: string, name: string): string[] {
  const line = new RegExp(`^${name.toUpperCase()} =[0-9a-f]{4} ([0-9a-f]{8}) ([0-9a-f]{8})`, 'm').exec(output);
  return line === null ? [] : line.slice(1);
}
