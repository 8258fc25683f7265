import type { CpuSnapshot } from '../cpu/cpu-snapshot.ts';
import { StartOfDayError } from '../util/errors.ts';
import { Hash53 } from '../util/hash.ts';
import { binarySize } from '../util/hex.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import type { TableRegister } from '../cpu/state.ts';
import type { DeviceState } from './device.ts';
import type { HypercallLogState } from './hypercall-log.ts';
import type { MachineStop } from './stop.ts';
import type { UnclaimedAccesses } from './unclaimed.ts';

/** Raised whenever a snapshot means something else than it did before. */
export const SNAPSHOT_VERSION = 2;

/** Bytes of a page of {@link MachineSnapshot.pages}. */
export const SNAPSHOT_PAGE = 4096;

/** The whole state of a machine between two instructions. Structured-cloneable; nothing in it changes afterwards. */
export interface MachineSnapshot {
  readonly version: number;
  /** Bytes of guest physical memory. */
  readonly memory: number;
  readonly cpu: CpuSnapshot;
  /** Guest RAM by physical page number; a page that is not here is all zero. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** By the device's name. */
  readonly devices: Readonly<Record<string, DeviceState>>;
  readonly time: MachineTime;
  readonly unclaimed: ReturnType<UnclaimedAccesses['save']>;
  readonly faults: readonly FaultRecord[];
  readonly hypercalls: HypercallLogState;
  /** The stop that nothing continues from, if there was one. */
  readonly finalStop: MachineStop | undefined;
}

/** What the run loop knows of time beside the retired instructions, in ticks. */
export interface MachineTime {
  /** Ticks skipped while the CPU was halted. */
  readonly idle: number;
  /** Tick at which the CPU last ran. */
  readonly ranAt: number;
  /** The latest wait in HLT: since which tick, and from which on no timer will end it. */
  readonly wait: { readonly since: number; readonly hopelessAt: number };
  /** The last run ended in the middle of its work: the next instruction was not stopped at. */
  readonly yielded: boolean;
  /** IDTR at the entry; undefined before the first run. */
  readonly entryTable: TableRegister | undefined;
}

/**
 * 14 hexadecimal digits over everything that decides what the machine does next: the same for the same state, whichever engine got
 * there and however its runs were cut.
 */
export function hashSnapshot({ cpu, pages, devices, time }: MachineSnapshot): string {
  const hash = new Hash53();
  hash.bytes(cpu.registers);
  hash.text(JSON.stringify([cpu.retired, cpu.halted, cpu.devicePages, devices, time.idle]));
  for (const [page, bytes] of pages) {
    hash.text(String(page));
    hash.bytes(bytes);
  }
  return hash.digest();
}

/** The pages of RAM that hold anything. */
export function savePages(ram: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const words = new Uint32Array(ram.buffer, ram.byteOffset, ram.length / 4);
  const pages = new Map<number, Uint8Array>();
  for (let page = 0; page < ram.length / SNAPSHOT_PAGE; page++) {
    const first = page * (SNAPSHOT_PAGE / 4);
    if (words.subarray(first, first + SNAPSHOT_PAGE / 4).some((word) => word !== 0))
      pages.set(page, ram.slice(page * SNAPSHOT_PAGE, (page + 1) * SNAPSHOT_PAGE));
  }
  return pages;
}

/** Makes RAM what {@link savePages} saw. */
export function restorePages(ram: Uint8Array, pages: ReadonlyMap<number, Uint8Array>): void {
  ram.fill(0);
  for (const [page, bytes] of pages) ram.set(bytes, page * SNAPSHOT_PAGE);
}

/** Throws `snapshot-version` and `snapshot-memory` before anything is restored. */
export function checkSnapshot(snapshot: MachineSnapshot, memory: number): void {
  if (snapshot.version !== SNAPSHOT_VERSION) {
    throw new StartOfDayError({
      code: 'snapshot-version',
      blame: 'user',
      title: `The snapshot has version ${snapshot.version}`,
      detail: `version is ${snapshot.version}; this machine restores version ${SNAPSHOT_VERSION}`,
      mend: 'Restore it with the version of Start of Day that saved it.',
    });
  }
  if (snapshot.memory !== memory) {
    throw new StartOfDayError({
      code: 'snapshot-memory',
      blame: 'user',
      title: 'The snapshot is of a machine with another size of memory',
      detail: `memory is ${binarySize(snapshot.memory)} in the snapshot, ${binarySize(memory)} in this machine`,
      mend: `Give the machine ${binarySize(snapshot.memory)} of memory.`,
    });
  }
}
