import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Context } from 'mocha';
import { requireTool } from './tools.ts';

interface Guest {
  /** Debian package, with its architecture when that is not the machine's. */
  readonly package: string;
  /** Path in the package. */
  readonly path: string;
  /** Of the file, unpacked. */
  readonly sha256: string;
}

/** Kernels that nobody here wrote. They are never committed: most are under the GPL. */
const GUESTS = {
  invaders: {
    package: 'grub-invaders',
    path: 'boot/invaders.exec',
    sha256: 'c6be3ee3e1d8b1f6935ea15b27f98d6973dd886d6cb9ed24af55cadcea24f94c',
  },
  gnumach: {
    package: 'gnumach-image-1.8-486-dbg:i386',
    path: 'boot/gnumach-1.8-486-dbg.gz',
    sha256: 'bb07d4dfdf839d15a56cd095d9a6f1ae56ebd5daefe78b8a5a1193256a14a859',
  },
  gnumachXen: {
    package: 'gnumach-image-1.8-xen-486-dbg:i386',
    path: 'boot/gnumach-1.8-xen-486-dbg.gz',
    sha256: 'f561ce01f45d08cf01882c528ea455293a072956a349d69235b99e2ca6de84d6',
  },
  grubXen: {
    package: 'grub-xen-host',
    path: 'usr/lib/grub-xen/grub-i386-xen.bin',
    sha256: 'babe5612bf1ba7e883a364e069249471446fe534b7c722c701a52c0097dfebb0',
  },
  grubXenPvh: {
    package: 'grub-xen-host',
    path: 'usr/lib/grub-xen/grub-i386-xen_pvh.bin',
    sha256: '32482d05b9a7298e929dac32fd567b46c4ac8c1f354fa096ef5d8fb89cfe7241',
  },
  grubXen64: {
    package: 'grub-xen-host',
    path: 'usr/lib/grub-xen/grub-x86_64-xen.bin',
    sha256: '73544e02ec20085ed126e806d448c75cc1369bc7617e65da86ecbc37a6b42d47',
  },
  memtest: {
    package: 'memtest86+',
    path: 'boot/memtest86+ia32.bin',
    sha256: '9aee6d56888b8a78fa1dd774b341db40ea8049a576417de302e5daed4c91707e',
  },
  /** Xen itself: an ELF32 file with both Multiboot headers. */
  xen: {
    package: 'xen-hypervisor-4.17-amd64=4.17.5+72-g01140da4e8-1',
    path: 'boot/xen-4.17-amd64.gz',
    sha256: '50be8feb14f98939e16618d94675988cbc90895d769eae3467f2c742d0be432c',
  },
  /** An ELF32 file that no protocol of ours enters. */
  hvmloader: {
    package: 'xen-utils-4.17=4.17.5+72-g01140da4e8-1',
    path: 'usr/lib/xen-4.17/boot/hvmloader',
    sha256: 'f59d7f1317837dfcca93eb774e0cc132996bb4a7ce006f87bfe4fae8121d648a',
  },
  ipxe: {
    package: 'ipxe',
    path: 'boot/ipxe.lkrn',
    sha256: 'b00bc0a320b0943c1de39a05a4c5e36ca51a37a6dd9787a50c79d5516040cd3c',
  },
  memdisk: {
    package: 'syslinux-common',
    path: 'usr/lib/syslinux/memdisk',
    sha256: '86b1d121e43cb3256d1e70b93dc073038b1401b9eb25eb21a6a11e4ab9620351',
  },
} as const satisfies Record<string, Guest>;

const CACHE = join(import.meta.dirname, '../../.cache/guests');

/**
 * A kernel from a Debian package, downloaded once. Skips the test with the reason where it cannot be had; fails instead where CI=true,
 * because nothing may skip there, and wherever the file is not the one the test was written for.
 */
export function debianGuest(
  test: Context,
  name: keyof typeof GUESTS,
): { readonly name: string; readonly bytes: Uint8Array } {
  const guest = GUESTS[name];
  const file = join(CACHE, guest.sha256);
  if (!existsSync(file)) {
    for (const tool of ['apt-get', 'dpkg']) requireTool(test, tool);
    test.timeout(180_000);
    const bytes = download(test, guest);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== guest.sha256)
      throw new Error(`${guest.package} has ${guest.path} with sha256 ${found}, not ${guest.sha256}`);
    writeFileSync(`${file}.new`, bytes);
    renameSync(`${file}.new`, file);
  }
  return { name: basename(guest.path).replace(/\.gz$/, ''), bytes: readFileSync(file) };
}

/** A meta package that depends on the present kernel for 32-bit CPUs with PAE, whose name has its version. */
const LINUX = 'linux-image-686-pae:i386';

/**
 * The newest kernel that Debian's package lists have, with its release as `uname -r` says it. It has no fixed hash: it moves on with every
 * security update. Skips as {@link debianGuest} does.
 */
export function debianLinux(test: Context): { readonly release: string; readonly bytes: Uint8Array } {
  for (const tool of ['apt-get', 'apt-cache', 'dpkg']) requireTool(test, tool);
  const find = (): string | undefined => {
    const { output } = run('apt-cache', [...privateApt(), 'depends', LINUX], '/');
    return /Depends: linux-image-([^:\s]+-686-pae)(:i386)?$/m.exec(output)?.[1];
  };
  let release = find();
  if (release === undefined) {
    mkdirSync(join(CACHE, 'apt/state/lists/partial'), { recursive: true });
    const update = run('apt-get', [...privateApt(), 'update'], CACHE);
    release = find();
    if (release === undefined) return skip(test, `${LINUX} is not in the package lists: ${update.output.trim()}`);
  }
  const file = join(CACHE, `vmlinuz-${release}`);
  if (!existsSync(file)) {
    const path = `boot/vmlinuz-${release}`;
    const bytes = download(test, { package: `linux-image-${release}:i386`, path });
    writeFileSync(`${file}.new`, bytes);
    renameSync(`${file}.new`, file);
  }
  return { release, bytes: readFileSync(file) };
}

/**
 * The files of a Debian package for this computer, unpacked once into a folder of its own; nothing is installed. Skips as {@link debianGuest}
 * does.
 */
export function debianPackage(test: Context, name: string): string {
  const folder = join(CACHE, 'packages', name);
  if (!existsSync(folder)) {
    for (const tool of ['apt-get', 'dpkg']) requireTool(test, tool);
    test.timeout(180_000);
    mkdirSync(join(CACHE, 'packages'), { recursive: true });
    const scratch = mkdtempSync(join(CACHE, 'packages', 'unpacking-'));
    renameSync(unpack(test, name, scratch), folder);
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

function download(test: Context, guest: Pick<Guest, 'package' | 'path'>): Uint8Array {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'guest-'));
  try {
    const bytes = readFileSync(join(unpack(test, guest.package, folder), guest.path));
    return guest.path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Downloads a package into `folder`; the folder in it that has its files. */
function unpack(test: Context, name: string, folder: string): string {
  const apt = privateApt();
  const lists = join(CACHE, 'apt/state/lists');
  // The package lists are fetched once, and again when a package has moved on.
  let done = existsSync(lists) ? run('apt-get', [...apt, 'download', name], folder) : undefined;
  if (done?.ok !== true) {
    mkdirSync(join(lists, 'partial'), { recursive: true });
    // One index that a mirror cannot give at the moment need not be the one of this package: the download tells.
    const update = run('apt-get', [...apt, 'update'], folder);
    const download = run('apt-get', [...apt, 'download', name], folder);
    done = { ok: download.ok, output: `${update.output}${download.output}` };
  }
  const archive = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
  if (!done.ok || archive === undefined) return skip(test, `${name} cannot be downloaded: ${done.output.trim()}`);
  const unpacked = run('dpkg', ['-x', archive, 'content'], folder);
  if (!unpacked.ok) throw new Error(unpacked.output);
  return join(folder, 'content');
}

/** apt with state of its own, so that packages of i386 can be had without changing the system. */
function privateApt(): string[] {
  const state = join(CACHE, 'apt');
  for (const folder of ['state', 'cache/archives/partial']) mkdirSync(join(state, folder), { recursive: true });
  const options = {
    'Dir::State': join(state, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(state, 'cache'),
    'APT::Architectures': 'amd64,i386',
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

function run(command: string, args: readonly string[], cwd: string): { readonly ok: boolean; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { ok: status === 0, output: `${stdout}${stderr}` };
}

function skip(test: Context, reason: string): never {
  if (process.env['CI'] === 'true') throw new Error(reason);
  process.stderr.write(`skipped: ${test.test?.fullTitle() ?? ''}: ${reason}\n`);
  return test.skip();
}
