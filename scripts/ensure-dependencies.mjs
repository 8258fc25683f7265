// Sets up what the other scripts need, on a fresh clone with nothing but Node.js and npm. Says what it does; never uses sudo.
//   --test   also the Debian packages that the tests use, where apt-get exists and this user may install
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** Debian package of each program that a test runs. */
const PACKAGES = {
  bzip2: 'bzip2',
  chromium: 'chromium',
  gcc: 'gcc',
  gdb: 'gdb',
  'llvm-dwarfdump': 'llvm',
  lz4: 'lz4',
  lzop: 'lzop',
  make: 'make',
  nasm: 'nasm',
  'qemu-system-i386': 'qemu-system-x86',
  readelf: 'binutils',
  xz: 'xz-utils',
  zstd: 'zstd',
};

function run(command, ...args) {
  console.log(`> ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    shell: process.platform === 'win32',
  });
  if (status !== 0) console.error(`${command} ended with ${error?.message ?? status}`);
  return status === 0;
}

function runOrExit(command, ...args) {
  if (!run(command, ...args)) process.exit(1);
}

/** npm notes what it installed in node_modules/.package-lock.json. */
function ensureModules() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  runOrExit('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error');
}

function has(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** gcc -m32 needs the 32-bit start files and libgcc, which come apart from gcc. */
function compilesFor32Bit() {
  const { status, stdout } = spawnSync('gcc', ['-m32', '-print-libgcc-file-name'], { encoding: 'utf8' });
  return status === 0 && existsSync(stdout.trim());
}

function ensurePackages() {
  const missing = Object.entries(PACKAGES)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
  if (!missing.includes('gcc') && !compilesFor32Bit()) missing.push('gcc-multilib');
  if (missing.includes('gcc')) missing.push('gcc-multilib');
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    console.log(`Tests that need ${missing.join(', ')} will be skipped: install these packages to run them.`);
    return;
  }
  // One index of many that does not come is no reason to stop: the installation says what is really missing.
  run('apt-get', 'update', '-qq');
  runOrExit('apt-get', 'install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...missing);
}

ensureModules();
if (process.argv.includes('--test')) ensurePackages();
