import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'mocha';

describe('the start of the adapter', () => {
  it('loads neither the decoder nor its library before something runs', () => {
    const script = "require('./dist/adapter.js'); console.log(Object.keys(require.cache).join('\\n')); process.exit()";
    const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.match(stdout, /adapter\.js/);
    assert.doesNotMatch(stdout, /iced/);
  });
});
