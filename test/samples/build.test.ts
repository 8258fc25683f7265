import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../support/tools.ts';
import { SAMPLES, SAMPLE_NAMES, samplePath } from './samples.ts';

/** The compiler and linker that the committed kernels come from, as samples/README.md records them. */
const GCC = 'gcc (Debian 12.2.0-14+deb12u1) 12.2.0';
const LD = 'GNU ld (GNU Binutils for Debian) 2.40';

const firstLine = (tool: string): string =>
  execFileSync(tool, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';

describe('sample kernels, rebuilt', function () {
  this.timeout(60000);
  let folder = '';

  before(function () {
    for (const tool of ['gcc', 'ld', 'make']) requireTool(this, tool);
    const [compiler, linker] = [firstLine('gcc'), firstLine('ld')];
    if (compiler !== GCC || linker !== LD) {
      process.stderr.write(
        `skipped: samples rebuild to the same bytes: built by ${GCC}, ${LD}; here ${compiler}, ${linker}\n`,
      );
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'samples-'));
    cpSync(SAMPLES, folder, { recursive: true });
  });

  after(() => {
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  for (const name of SAMPLE_NAMES) {
    it(`${name}.elf has the same bytes in another folder`, () => {
      const sample = join(folder, name);
      execFileSync('make', ['-C', sample, 'clean'], { stdio: 'ignore' });
      execFileSync('make', ['-C', sample], { stdio: ['ignore', 'ignore', 'inherit'] });
      const rebuilt = readFileSync(join(sample, `${name}.elf`));
      assert.ok(rebuilt.equals(readFileSync(samplePath(name))), `${name}.elf differs from the committed one`);
    });
  }
});
