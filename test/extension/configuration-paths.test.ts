import assert from 'node:assert/strict';
import { withAbsolutePaths } from '../../src/extension/model/configuration-paths.ts';

const resolve = (path: string): string => `/folder/${path}`;

describe('paths of a launch configuration', () => {
  it('count from the folder', () => {
    const configuration = {
      type: 'start-of-day',
      program: 'kernel.elf',
      initrd: 'initrd.gz',
      cmdline: 'root=/dev/sda',
      modules: [{ file: 'initrd.img', cmdline: 'a' }],
      symbols: [{ file: 'build/vmlinux', bias: '0x1000' }],
    };
    assert.deepEqual(withAbsolutePaths(configuration, resolve), {
      type: 'start-of-day',
      program: '/folder/kernel.elf',
      initrd: '/folder/initrd.gz',
      cmdline: 'root=/dev/sda',
      modules: [{ file: '/folder/initrd.img', cmdline: 'a' }],
      symbols: [{ file: '/folder/build/vmlinux', bias: '0x1000' }],
    });
  });

  it('stay as they are when absolute, on either system', () => {
    for (const program of ['/boot/vmlinux', 'C:\\boot\\vmlinux', 'c:/boot/vmlinux', '\\\\host\\share\\vmlinux'])
      assert.deepEqual(withAbsolutePaths({ program }, resolve), { program });
  });

  it('leave what is no path to the check of the adapter', () => {
    const wrong = { program: 5, modules: 'initrd.img', symbols: [7] };
    assert.deepEqual(withAbsolutePaths(wrong, resolve), wrong);
  });
});
