import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { bootDebuggee } from '../../src/debugger/boot-request.ts';
import type { BootRequest } from '../../src/debugger/boot-request.ts';
import type { Debuggee } from '../../src/debugger/debuggee.ts';
import { symbolCount } from '../../src/debugger/symbols.ts';
import { bzImage } from '../boot/bz-image.ts';
import { buildKernel, MIB, OPTIONS } from '../boot/kernels.ts';
import { compress } from '../image/compression/compressors.ts';

const scheduler = { now: () => 0, soon: () => undefined, later: () => ({ cancel: () => undefined }) };
/** Linked 3 GiB above where it runs, 2 MiB. */
const SCRIPT =
  'ENTRY(physical) SECTIONS { . = 0xc0200000; physical = ABSOLUTE(_start - 0xc0000000); .text : AT(0x200000) { *(.text) } }';
/** Copies nothing: jumps to where a decompressor would have put the kernel. */
const JUMP = Uint8Array.of(0xb8, 0, 0, 0x20, 0, 0xff, 0xe0);

function inner(test: Context): Uint8Array {
  return buildKernel(test, {
    header: '',
    script: SCRIPT,
    code: '.text\n.globl _start, next\n_start: nop\nnext: hlt\n',
  });
}

/** A bzImage whose payload has a symbol table, as no stripped kernel has. */
function kernel(test: Context, damage = 0): Uint8Array {
  const elf = inner(test);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(elf.length);
  const packed = Buffer.concat([compress(test, 'LZ4', elf), size]);
  // The size of the first block.
  packed.writeUInt8((packed[6] ?? 0) ^ damage, 6);
  return bzImage({
    code: Buffer.concat([JUMP, packed]),
    payload: [JUMP.length, packed.length],
    version: 0x20f,
    jump: 0x6a,
  });
}

function boot(bytes: Uint8Array, more: Partial<BootRequest> = {}): Debuggee {
  const load = { ...OPTIONS, memory: 16 * MIB };
  return bootDebuggee(
    { kernel: { name: 'bzImage', bytes }, entry: 'linux32', load, registers: {}, symbols: [], ...more },
    scheduler,
  );
}

describe('Symbols of the vmlinux inside a bzImage', () => {
  it('are read when somebody asks for a name', function () {
    const { symbolFiles, inspection } = boot(kernel(this));
    const [file] = symbolFiles;
    assert.equal(file?.name, 'vmlinux in bzImage');
    // The decompressor and what the registers hold at entry are none of it.
    for (const address of [0x100000n, 0x5eedfacen, 0n]) assert.equal(inspection.nameOf(address), undefined);
    assert.equal(symbolCount(file), undefined);
    assert.equal(inspection.evaluateAddress('next').value, 0xc0200001n);
    assert.equal(symbolCount(file), 3);
  });

  it('are found at physical addresses before paging, and at linked ones', function () {
    const { inspection } = boot(kernel(this));
    assert.equal(inspection.nameOf(0x200001n), 'next');
    assert.equal(inspection.symbols.nameOf(0xc0200001n, true), 'next');
    assert.equal(inspection.symbols.nameOf(0x200001n, true), undefined);
    assert.deepEqual(inspection.symbols.aliases(0xc0200001n), [0xc0200001n, 0x200001n]);
  });

  it('come as well from a vmlinux that the user names, with its own distance to physical addresses', function () {
    const bytes = bzImage();
    const { inspection } = boot(bytes, { symbols: [{ name: 'vmlinux', bytes: inner(this), bias: '0' }] });
    assert.equal(inspection.nameOf(0x200001n), 'next');
    assert.equal(inspection.symbols.nameOf(0xc0200001n, true), 'next');
  });

  it('leave a kernel with a damaged payload or none to be debugged without', function () {
    const [file] = boot(kernel(this, 0xff)).symbolFiles;
    assert.equal([...(file?.symbols.names() ?? [])].length, 0);
    assert.match(file?.problem ?? '', /file offset 0x[0-9a-f]+/);
    const [none] = boot(bzImage({ version: 0x20f, jump: 0x6a })).symbolFiles;
    assert.equal([...(none?.symbols.names() ?? [])].length, 0);
    assert.match(none?.problem ?? '', /payload_offset at file offset 0x248 is 0x0/);
  });
});
