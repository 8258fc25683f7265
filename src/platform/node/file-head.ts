import { open } from 'node:fs/promises';

/** The first bytes of a file, at most `length` of them: enough to tell what it is without reading a kernel of many megabytes. */
export async function readFileHead(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
