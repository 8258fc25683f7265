// npm test: the static checks, then the unit and adapter tests, then the extension in a real VS Code. All of it runs, whatever fails;
// the last line is the sum, and the exit status says whether all passed.
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** Runs an npm script, shows its output, and returns its exit status with all that it printed. */
function npmRun(script) {
  console.log(`\n> npm run ${script}`);
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script], { cwd: root, shell: process.platform === 'win32' });
    let printed = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])
      from.on('data', (chunk) => {
        printed += chunk;
        to.write(chunk);
      });
    child.on('close', (status) => resolve({ status, printed }));
  });
}

/** A check is one test. */
async function check(script) {
  const { status } = await npmRun(script);
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** A mocha run counts its tests; one that ends badly without naming a failed test counts as one. */
async function mocha(script) {
  const { status, printed } = await npmRun(script);
  const count = (what) => Number(new RegExp(`^\\s*(\\d+) ${what}`, 'm').exec(printed)?.[1] ?? 0);
  const failed = count('failing');
  return {
    passed: count('passing'),
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: count('pending'),
  };
}

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const [run, script] of [
  [check, 'typecheck'],
  [check, 'lint'],
  [check, 'format:check'],
  [check, 'architecture'],
  [mocha, 'test:unit'],
  [mocha, 'test:e2e'],
]) {
  const counts = await run(script);
  for (const what of Object.keys(sum)) sum[what] += counts[what];
}

if (sum.skipped > 0) console.log(`\n${sum.skipped} skipped: the reasons stand above`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
