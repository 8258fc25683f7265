import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { requireTool } from '../support/tools.ts';

/** A kernel linked at 0xc0100000 and loaded at 0x100000, which turns paging on with 4 MiB pages and jumps up. */
const SOURCE = `
        .section .multiboot, "a"
        .long 0x1badb002, 0, -0x1badb002
        .text
        .globl _start, early, high
        .type _start, @function
_start: movl $(stack_top - 0xc0000000), %esp
        call early
        movl $(directory - 0xc0000000), %eax
        movl %eax, %cr3
        movl %cr4, %eax
        orl $0x10, %eax
        movl %eax, %cr4
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        movl $high, %eax
        jmp *%eax
        .size _start, . - _start
        .type early, @function
early:  ret
        .size early, . - early
        .type high, @function
high:   movl $stack_top, %esp
        call early
1:      jmp 1b
        .size high, . - high
        .data
        .balign 4096
directory:
        .long 0x83
        .fill 767, 4, 0
        .long 0x83
        .fill 255, 4, 0
        .fill 64, 4, 0
stack_top:
`;
const SCRIPT = `
ENTRY(physical_entry)
physical_entry = _start - 0xc0000000;
SECTIONS {
  . = 0xc0100000;
  .text : AT(ADDR(.text) - 0xc0000000) { *(.multiboot) *(.text) }
  .data : AT(ADDR(.data) - 0xc0000000) { *(.data) }
}
`;

describe('DAP on a kernel that is linked high', () => {
  let folder: string;
  let kernel: string;
  let session: DebugSession;

  before(function () {
    requireTool(this, 'gcc');
    folder = mkdtempSync(path.join(os.tmpdir(), 'high-kernel-'));
    kernel = path.join(folder, 'high.elf');
    writeFileSync(path.join(folder, 'high.S'), SOURCE);
    writeFileSync(path.join(folder, 'high.ld'), SCRIPT);
    execFileSync(
      'gcc',
      [
        '-m32',
        '-nostdlib',
        '-static',
        '-no-pie',
        '-Wl,--build-id=none',
        '-Wl,-z,max-page-size=0x1000',
        '-T',
        'high.ld',
        '-o',
        kernel,
        'high.S',
      ],
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    session = new DebugSession();
    await session.client.boot({ program: kernel });
  });
  afterEach(() => session.client.close());

  it('names physical addresses before paging', async () => {
    assert.equal(await session.place(), '_start');
    assert.equal((await session.frames())[0]?.instructionPointerReference, '0x0010000c');
    const [row] =
      (await session.client.request('disassemble', { memoryReference: '0x0010000c', instructionCount: 1 }))
        ?.instructions ?? [];
    assert.equal(row?.symbol, '_start');
  });

  it('stops at a function in both places', async () => {
    const { breakpoints } = await session.client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: 'early' }],
    });
    assert.equal(breakpoints[0]?.verified, true);
    await session.resume('continue');
    assert.equal(await session.evaluate('$eip < 0xc0000000'), '1');
    assert.deepEqual(
      (await session.frames()).map(({ name }) => name),
      ['early', '_start+0xa'],
    );
    await session.resume('continue');
    assert.equal(await session.evaluate('$eip == early'), '1');
    assert.equal(await session.place(), 'early');
    assert.equal((await session.frames())[1]?.name, 'high+0xa');
  });

  it('reads memory through the page tables once they are on', async () => {
    await session.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'high' }] });
    assert.equal(
      (await session.client.request('readMemory', { memoryReference: '0xc0100000', count: 4 }))?.unreadableBytes,
      4,
    );
    await session.resume('continue');
    assert.equal((await session.memory('0xc0100000', 4)).readUInt32LE(), 0x1badb002);
    assert.match((await session.variable('Control', 'CR0')).value, / · paging on, WP=0$/);
    assert.match((await session.variable('Control', 'CR3')).value, / → page directory$/);
    // Two pages are mapped; what lies behind the second one is not there.
    const edge = await session.client.request('readMemory', { memoryReference: '0xc03ffff8', count: 16 });
    assert.equal(edge?.unreadableBytes, 8);
  });
});
