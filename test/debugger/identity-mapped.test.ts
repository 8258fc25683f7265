import assert from 'node:assert/strict';
import { Symbols } from '../../src/debugger/symbols.ts';
import { ElfFile } from '../../src/image/elf.ts';
import { ElfSymbols } from '../../src/symbols/elf-symbols.ts';
import { lguestImage } from '../hypervisor/lguest/guest.ts';

describe('Symbols of a kernel that is entered with paging on', () => {
  it('are found at its physical addresses, where lguest enters Linux', function () {
    const image = new ElfFile('vmlinux', lguestImage(this, '2.6.24', 'jmp .'));
    const files = [{ name: 'vmlinux', image, symbols: new ElfSymbols(image), bias: 0n }];
    assert.equal(new Symbols(files, 0xc0000000, true).nameOf(0x100000n, true), 'startup_32');
    assert.equal(new Symbols(files, 0xc0000000).nameOf(0x100000n, true), undefined);
    assert.equal(new Symbols(files, 0xc0000000, true).nameOf(0xc0100000n, true), 'startup_32');
  });
});
