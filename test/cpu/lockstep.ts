import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { compile, type Program } from '../support/assembler.ts';
import { Guest, PLACE, type Snapshot } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';

/** Bytes of the guests' RAM. */
export const LOCKSTEP_RAM = 0x100000;

/** The C source of the workload. */
export const workloadSource = (): string => readFileSync(join(import.meta.dirname, 'guests/workload.c'), 'utf8');

/** The workload, built with gcc: sorting, CRC-32, lists, divisions, strings. */
export const workload = (): Program => compile(workloadSource(), PLACE.code);

/** Code at its place, with paging one to one or without. */
export function lockstepGuest(engine: EngineName, code: Uint8Array, paged = false): Guest {
  const guest = new Guest(engine, { code });
  if (!paged) return guest;
  guest.mapIdentity(LOCKSTEP_RAM);
  guest.enablePaging();
  return guest;
}

/** Runs with random budgets, up to `largest` and often less than 9, until the guest halts; the state at every stop. */
export function trace(guest: Guest, seed: number, largest: number): Snapshot[] {
  const random = new Random(seed);
  const stops: Snapshot[] = [];
  for (;;) {
    const exit = guest.run(1 + random.below(random.oneIn(3) ? 8 : largest));
    stops.push(guest.snapshot());
    if (exit.kind === 'halted') return stops;
    assert.equal(exit.kind, 'budget');
  }
}
