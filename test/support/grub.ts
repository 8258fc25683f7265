import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { debianPackage } from './guests.ts';
import { requireTool } from './tools.ts';

const MODULES = ['biosdisk', 'memdisk', 'tar', 'multiboot', 'multiboot2', 'boot', 'normal'];
/** GRUB's boot sector reads whole tracks. */
const DISK_SIZE = 4 << 20;

/**
 * Boots files with Debian's GRUB on QEMU's BIOS, from a disk image made for it, and returns what the kernel writes to port 0xe9 until it
 * writes to port 0xf4. The files are at `(memdisk)/`; `script` is a grub.cfg. Skips where QEMU or the packages cannot be had.
 */
export function underGrub(test: Context, files: Readonly<Record<string, Uint8Array>>, script: string): Buffer {
  for (const tool of ['qemu-system-i386', 'tar']) requireTool(test, tool);
  const modules = join(debianPackage(test, 'grub-pc-bin'), 'usr/lib/grub/i386-pc');
  const mkimage = join(debianPackage(test, 'grub-common'), 'usr/bin/grub-mkimage');
  const folder = mkdtempSync(join(tmpdir(), 'grub-'));
  const inFolder = (name: string): string => join(folder, name);
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(inFolder(name), bytes);
    writeFileSync(inFolder('grub.cfg'), script);
    const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { cwd: folder });
    run('tar', '-cf', 'memdisk.tar', ...Object.keys(files));
    const options = ['-O', 'i386-pc', '-d', modules, '-p', '(memdisk)/', '-c', 'grub.cfg', '-m', 'memdisk.tar'];
    run(mkimage, ...options, '-o', 'core.img', ...MODULES);
    const disk = new Uint8Array(DISK_SIZE);
    const bootSector = readFileSync(join(modules, 'boot.img'));
    disk.set(bootSector);
    disk.set(readFileSync(inFolder('core.img')), bootSector.length);
    writeFileSync(inFolder('disk.img'), disk);
    const qemu = ['-drive', 'file=disk.img,format=raw', '-m', '128M', '-display', 'none', '-serial', 'null'];
    const ports = ['-debugcon', 'file:output', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'];
    const command = [...qemu, '-monitor', 'none', '-no-reboot', ...ports];
    const done = spawnSync('qemu-system-i386', command, { cwd: folder, timeout: 60_000, encoding: 'utf8' });
    if (done.status !== 1 || !existsSync(inFolder('output')))
      throw new Error(`QEMU ended with ${done.status ?? done.signal}: ${done.stderr}`);
    return readFileSync(inFolder('output'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
