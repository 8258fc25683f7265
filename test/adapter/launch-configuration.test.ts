import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { validateLaunch } from '../../src/adapter/launch-configuration.ts';
import { LAUNCH_SCHEMA } from '../../src/adapter/launch-schema.ts';
import { StartOfDayError } from '../../src/util/errors.ts';

interface Manifest {
  readonly contributes: {
    readonly debuggers: readonly { readonly configurationAttributes: { readonly launch: unknown } }[];
  };
}

function refused(configuration: object): StartOfDayError {
  try {
    validateLaunch(configuration);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError);
    assert.equal(error.blame, 'user');
    return error;
  }
  throw new Error('the configuration was accepted');
}

describe('launch configuration', () => {
  it('is in package.json as the adapter has it', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    assert.deepEqual(manifest.contributes.debuggers[0]?.configurationAttributes.launch, LAUNCH_SCHEMA);
  });

  it('has a description for every attribute', () => {
    for (const [name, { description }] of Object.entries(LAUNCH_SCHEMA.properties))
      assert.ok(description.endsWith('.'), name);
  });

  it('fills the defaults in', () => {
    assert.deepEqual(
      validateLaunch({ type: 'start-of-day', request: 'launch', name: 'Boot', program: '/kernel.elf' }),
      {
        program: '/kernel.elf',
        entry: 'auto',
        cpu: 'default',
        poison: true,
        cmdline: '',
        modules: [],
        noDebug: false,
        memory: '128M',
        bootLoaderName: 'Start of Day',
        registers: {},
        stopOnEntry: true,
        symbols: [],
        serial: 'console',
        exceptions: [],
      },
    );
  });

  it('names an attribute that comes in a later version for what it is', () => {
    assert.equal(
      refused({ program: 'k', sourceMap: {} }).title,
      '"sourceMap" is for source lines, which this version does not have',
    );
  });

  it('leaves the attributes of the client alone', () => {
    validateLaunch({
      program: 'k',
      presentation: {},
      preLaunchTask: 'make',
      __sessionId: 'x',
      internalConsoleOptions: 'y',
    });
  });

  it('names the nearest attribute for a misspelt one', () => {
    const error = refused({ program: 'k', comdline: 'quiet' });
    assert.equal(error.title, 'The launch configuration has no attribute "comdline"');
    assert.equal(error.mend, 'Did you mean "cmdline"?');
    assert.equal(refused({ program: 'k', stoponentry: true }).mend, 'Did you mean "stopOnEntry"?');
  });

  it('lists the attributes when none is near', () => {
    assert.match(refused({ program: 'k', zzz: 1 }).mend ?? '', /^The attributes are program, entry, /);
  });

  it('looks into modules and symbols', () => {
    const error = refused({ program: 'k', modules: [{ file: 'a' }, { fiel: 'b' }] });
    assert.equal(error.title, '"modules" item 2 has no attribute "fiel"');
    assert.equal(error.mend, 'Did you mean "file"?');
    assert.equal(refused({ program: 'k', modules: [{ cmdline: 'b' }] }).title, '"modules" item 1 needs "file"');
  });

  const wrong: [object, string][] = [
    [{}, 'The launch configuration names no "program"'],
    [{ program: 7 }, '"program" is 7, but must be a string'],
    [{ program: 'k', stopOnEntry: 'yes' }, '"stopOnEntry" is "yes", but must be true or false'],
    [{ program: 'k', maxInstructions: 0 }, '"maxInstructions" is 0, but must be a whole number of at least 1'],
    [{ program: 'k', modules: 'a' }, '"modules" is "a", but must be a list'],
    [{ program: 'k', registers: { eax: 1 } }, '"registers" "eax" is 1, but must be a string'],
    [{ program: 'k', registers: [] }, '"registers" is [], but must be an object'],
    [{ program: 'k', entry: 'multibot' }, '"entry" cannot be "multibot"'],
    [{ program: 'k', cpu: 486 }, '"cpu" is 486, but must be a string'],
    [{ program: 'k', cpu: 'pentum' }, '"cpu" cannot be "pentum"'],
    [{ program: 'k', cpu: 'Pentium' }, '"cpu" cannot be "Pentium"'],
    [{ program: 'k', hypervisor: 1 }, '"hypervisor" is 1, but must be a string'],
  ];
  for (const [configuration, title] of wrong)
    it(`refuses ${JSON.stringify(configuration)}`, () => assert.equal(refused(configuration).title, title));

  it('says which values there are', () => {
    assert.equal(refused({ program: 'k', entry: 'multibot' }).mend, 'Did you mean "multiboot"?');
    assert.equal(refused({ program: 'k', cpu: 'pentum' }).mend, 'Did you mean "pentium"?');
    assert.equal(refused({ program: 'k', cpuu: '486' }).mend, 'Did you mean "cpu"?');
  });
});
