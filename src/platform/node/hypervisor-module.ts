import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { userHypervisor } from '../../hypervisor/user/user-hypervisor.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { readWholeFile } from './files.ts';

/**
 * Loads a hypervisor of the user's own from a JavaScript module, anew each time: it may have been edited. Throws `file-unreadable` and
 * `hypervisor-module`.
 */
export async function loadHypervisor(path: string): Promise<Hypervisor> {
  const file = resolve(path);
  await readWholeFile(file);
  const name = basename(file);
  let module: { readonly default?: unknown };
  try {
    module = (await import(`${pathToFileURL(file).href}?${performance.now()}`)) as { readonly default?: unknown };
  } catch (cause) {
    throw new StartOfDayError(
      {
        code: 'hypervisor-module',
        blame: 'user',
        title: `${name} cannot be loaded`,
        detail: cause instanceof Error ? cause.message : String(cause),
        mend: 'It must be an ECMAScript module (.mjs) without syntax errors, whose imports can be found.',
      },
      { cause },
    );
  }
  return userHypervisor(name, module.default);
}
