import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { HEAD_LENGTH, isKernelName, kernelFileOf } from '../../src/extension/model/kernel-file.ts';

const ROOT = path.join(__dirname, '..', '..');
const sample = readFileSync(path.join(ROOT, 'samples', 'multiboot', 'multiboot.elf')).subarray(0, HEAD_LENGTH);

describe('files that are offered as kernels', () => {
  it('have a Multiboot header', () => {
    // The linker script of the sample says where: right behind the file's own headers, at 0x94.
    const kernel = kernelFileOf(sample);
    assert.deepEqual(kernel, { description: '32-bit x86 ELF, Multiboot header at 0x94', hasMultibootHeader: true });
  });

  it('or are an ELF of x86', () => {
    const withoutHeader = Uint8Array.from(sample).fill(0, 0x94, 0xa0);
    assert.deepEqual(kernelFileOf(withoutHeader), {
      description: '32-bit x86 ELF, no Multiboot header',
      hasMultibootHeader: false,
    });
    withoutHeader[0x12] = 62;
    assert.equal(kernelFileOf(withoutHeader)?.description, '64-bit x86 ELF, no Multiboot header');
  });

  it('or a raw image with a Multiboot header', () => {
    const raw = Uint8Array.from(sample).fill(0, 0, 4);
    assert.equal(kernelFileOf(raw)?.description, 'Raw image, Multiboot header at 0x94');
  });

  it('are no object files, no ELF of other machines, no text and no scraps', () => {
    const object = Uint8Array.from(sample).fill(0, 0x94, 0xa0);
    object[0x10] = 1;
    assert.equal(kernelFileOf(object), undefined);
    const arm = Uint8Array.from(sample).fill(0, 0x94, 0xa0);
    arm[0x12] = 40;
    assert.equal(kernelFileOf(arm), undefined);
    assert.equal(kernelFileOf(readFileSync(path.join(ROOT, 'package.json')).subarray(0, HEAD_LENGTH)), undefined);
    for (const length of [0, 4, 19]) assert.equal(kernelFileOf(sample.subarray(0, length)), undefined);
  });

  it('have names of linked images', () => {
    for (const name of ['kernel', 'kernel.elf', 'invaders.exec', 'vmlinux-6.1.0', 'gnumach', 'XEN.BIN'])
      assert.ok(isKernelName(name), name);
    for (const name of ['kernel.c', 'start.o', 'README.md', '.gitignore', 'linker.ld'])
      assert.ok(!isKernelName(name), name);
  });
});
