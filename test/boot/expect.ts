import assert from 'node:assert/strict';
import { chooseEntry } from '../../src/boot/choose-entry.ts';
import type { LoadedRegion, LoadOptions, LoadPlan } from '../../src/boot/protocol.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { OPTIONS } from './kernels.ts';

/** The plan of a file called kernel.elf. */
export function plan(bytes: Uint8Array, options: Partial<LoadOptions> = {}, entry = 'multiboot'): LoadPlan {
  return chooseEntry({ name: 'kernel.elf', bytes }, entry, { ...OPTIONS, ...options });
}

/** The error that planning raises. */
export function refusal(bytes: Uint8Array, options: Partial<LoadOptions> = {}, entry = 'multiboot'): StartOfDayError {
  try {
    plan(bytes, options, entry);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError, String(error));
    return error;
  }
  return assert.fail('the file was accepted');
}

export function region(of: LoadPlan, name: string): LoadedRegion {
  return of.regions.find((one) => one.name === name) ?? assert.fail(`no region ${name}`);
}

/** A little-endian word at a physical address of the plan's memory. */
export function wordAt(of: LoadPlan, address: number): number {
  // A later region lies over an earlier one.
  const holder = of.regions.findLast((one) => address >= one.address && address + 4 <= one.address + one.size);
  assert.ok(holder !== undefined, `nothing at 0x${address.toString(16)}`);
  const offset = address - holder.address;
  const bytes = Buffer.from(holder.bytes.subarray(offset, offset + 4));
  return bytes.length === 4 ? bytes.readUInt32LE() : 0;
}

/** Field of the information structure, by its offset. */
export function information(of: LoadPlan, offset: number): number {
  return wordAt(of, (of.information?.address ?? assert.fail('no structure')) + offset);
}

/** The C string at a physical address. */
export function stringAt(of: LoadPlan, address: number): string {
  const holder = of.regions.findLast((one) => address >= one.address && address < one.address + one.size);
  const bytes = holder?.bytes.subarray(address - holder.address) ?? assert.fail('no string');
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString();
}
