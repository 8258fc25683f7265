import { Emitter } from '../util/emitter.ts';

/** Something the guest asked for that nobody answers: an empty port, physical memory beyond RAM, a function a device lacks. */
export interface UnclaimedAccess {
  readonly space: 'port' | 'memory' | 'device';
  /** One clause: "read of port 0x3f6 (8 bits)". */
  readonly description: string;
  /** How often so far. */
  readonly count: number;
  /** The instruction that asked first, as stops name it: "0x00100004". Absent when it is not known. */
  readonly at?: string;
}

/** Memory is listed by this many bytes, so that a guest which clears a frame buffer gives one row a MiB and not one a byte. */
const MEMORY_GRAIN_BITS = 20;

/** Counts what nobody answered, and reports each thing when it is asked for the first time (invariant 4). */
export class UnclaimedAccesses {
  readonly onFirst = new Emitter<UnclaimedAccess>();
  private readonly here: (() => string) | undefined;
  private entries = new Map<string, UnclaimedAccess>();

  /** `here` names the instruction that runs. */
  constructor(here?: () => string) {
    this.here = here;
  }

  /** In the order of first appearance. */
  list(): readonly UnclaimedAccess[] {
    return [...this.entries.values()];
  }

  /** What {@link restore} takes back, with what counts as the same access. */
  save(): readonly (readonly [key: string, access: UnclaimedAccess])[] {
    return [...this.entries];
  }

  /** Tells nobody. */
  restore(entries: readonly (readonly [key: string, access: UnclaimedAccess])[]): void {
    this.entries = new Map(entries);
  }

  note(space: UnclaimedAccess['space'], description: string, key = description): void {
    const known = this.entries.get(key);
    const entry = known === undefined ? this.first(space, description) : { ...known, count: known.count + 1 };
    this.entries.set(key, entry);
    if (known === undefined) this.onFirst.fire(entry);
  }

  private first(space: UnclaimedAccess['space'], description: string): UnclaimedAccess {
    const entry = { space, description, count: 1 };
    return this.here === undefined ? entry : { ...entry, at: this.here() };
  }

  /** Accesses to physical memory that differ only within a MiB are one entry, described by the first. */
  noteMemory(access: 'read' | 'write', physical: number, description: string): void {
    this.note('memory', description, `${access} ${physical >>> MEMORY_GRAIN_BITS}`);
  }
}
