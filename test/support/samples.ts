import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** The prebuilt kernel of samples/NAME. */
export function sample(name: string): string {
  return path.resolve('samples', name, `${name}.elf`);
}

/** Addresses of the symbols of an ELF file, as nm tells them. */
export function symbolsOf(file: string): Map<string, number> {
  const lines = execFileSync('nm', [file], { encoding: 'utf8' }).split('\n');
  return new Map(
    lines.flatMap((line): [string, number][] => {
      const [, address, name] = /^([0-9a-f]{8}) \S (\S+)$/.exec(line) ?? [];
      return address === undefined || name === undefined ? [] : [[name, parseInt(address, 16)]];
    }),
  );
}

/** The address in the notation of memory references. */
export function reference(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`;
}
