import { readFile } from 'node:fs/promises';
import { StartOfDayError } from '../../util/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file',
  EISDIR: 'It is a folder',
  EACCES: 'Its permissions do not allow to read it',
};

/** The bytes of a file. Throws `file-unreadable` with the path and the reason. */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    // Node's Buffer slices without copying; everything below expects an ordinary array.
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    throw new StartOfDayError(
      {
        code: 'file-unreadable',
        blame: 'user',
        title: `${path} cannot be read`,
        detail: REASONS[code] ?? (cause instanceof Error ? cause.message : String(cause)),
      },
      { cause },
    );
  }
}
