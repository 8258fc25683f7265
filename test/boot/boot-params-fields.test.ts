import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BOOT_PARAMS, E820_TABLE, EDD_BUFFER } from '../../src/boot/linux-boot-params-fields.ts';
import type { ParamField } from '../../src/boot/linux-boot-params-fields.ts';
import { requireTool } from '../support/tools.ts';

type Placed = Pick<ParamField, 'name' | 'offset' | 'size'>;

/** Every part of boot_params, by its path in C. */
function paths(): (Placed & { readonly path: string })[] {
  return [...BOOT_PARAMS, E820_TABLE, EDD_BUFFER].flatMap((part) => [
    { ...part, path: part.name },
    ...('fields' in part ? part.fields.map((field) => ({ ...field, path: `${part.name}.${field.name}` })) : []),
  ]);
}

describe('Fields of boot_params', () => {
  it('lie where the C header of Linux has them', function () {
    this.timeout(20_000);
    requireTool(this, 'gcc');
    const parts = paths();
    const lines = parts.map(
      ({ path }) =>
        `printf("%s %zu %zu\\n", "${path}", offsetof(struct boot_params, ${path}), sizeof(((struct boot_params *)0)->${path}));`,
    );
    const source = `#include <stddef.h>\n#include <stdio.h>\n#include <asm/bootparam.h>\nint main(void) {\n${lines.join('\n')}\n}\n`;
    const script = 'd=$(mktemp -d) && gcc -x c -o $d/fields - && $d/fields; s=$?; rm -r $d; exit $s';
    const output = execFileSync('sh', ['-c', script], { input: source, encoding: 'utf8' });
    const expected = parts.map(({ path, offset, size }) => `${path} ${offset} ${size}`);
    assert.deepEqual(output.trim().split('\n'), expected);
  });
});
