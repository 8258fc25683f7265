import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LAUNCH_SCHEMA } from '../../src/adapter/launch-schema.ts';
import { SAMPLES } from '../../src/extension/model/samples.ts';

const ROOT = path.join(__dirname, '..', '..');
const text = readFileSync(path.join(ROOT, 'package.json'), 'utf8');

interface Manifest {
  readonly contributes: {
    readonly debuggers: readonly [{ readonly configurationAttributes: { readonly launch: unknown } }];
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
  };
}
const { contributes } = JSON.parse(text) as Manifest;

function sourceOf(folder: string): string {
  return ['commands.ts', 'machine-views.ts']
    .map((file) => readFileSync(path.join(ROOT, folder, file), 'utf8'))
    .join('');
}

describe('package.json', () => {
  it('offers the launch attributes of the adapter (npm run generate:schema writes them)', () => {
    assert.deepEqual(
      contributes.debuggers[0].configurationAttributes.launch,
      JSON.parse(JSON.stringify(LAUNCH_SCHEMA)),
    );
  });

  it('has the files that it names', () => {
    const files = [...text.matchAll(/"(?:\.\/)?((?:media|syntaxes|language-configuration)\/[^"]+)"/g)].map(
      ([, file]) => file,
    );
    assert.ok(files.length >= 10);
    for (const file of files) assert.ok(existsSync(path.join(ROOT, file ?? '')), file);
  });

  it('names only commands and views that the extension has', () => {
    const source = sourceOf('src/extension');
    const commands = contributes.commands.map(({ command }) => command);
    for (const { command } of Object.values(contributes.menus).flat()) assert.ok(commands.includes(command), command);
    for (const command of commands)
      assert.match(source, new RegExp(`\\b${command.replace('startOfDay.', '')}:`), command);
    for (const { id } of Object.values(contributes.views).flat()) assert.ok(source.includes(`'${id}'`), id);
  });

  it('comes with the sample kernels that it offers', () => {
    for (const { name } of SAMPLES) assert.ok(existsSync(path.join(ROOT, 'samples', name, `${name}.elf`)), name);
  });
});
