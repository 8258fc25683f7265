import { INVALID_M2P_ENTRY, PAGE_SIZE, XEN_MACHINE } from '../../abi/xen/layout.ts';
import type { XenPagingLayout } from '../../abi/xen/layout.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { fromBase64, toBase64 } from '../../util/base64.ts';
import { hex } from '../../util/hex.ts';
import type { DeviceState } from '../../machine/device.ts';
import { XenError } from './xen-error.ts';

/** What a frame is used as; only one at a time, so that a guest can never write to a page table (Xen's PGT_* types). */
export const FRAME_TYPES = ['none', 'writable', 'l1', 'l2', 'l2-xen', 'l3', 'descriptors'] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

const NAMES: Readonly<Record<FrameType, string>> = {
  none: 'unused',
  writable: 'mapped writable',
  l1: 'an L1 page table',
  l2: 'an L2 page table',
  'l2-xen': "the L2 page table with Xen's part",
  l3: 'an L3 page table',
  descriptors: 'a page of descriptors',
};

/** Checks what a frame holds before it becomes what it was not, and gives back what that took. */
export interface FrameValidator {
  validate(frame: number, type: FrameType): void;
  release(frame: number, type: FrameType): void;
}

const PINNED = 1;
const OWNED = 2;
/** Given back by the guest, and still used: goes with the last use. */
const LEAVING = 4;

/** The machine frames of the domain: who they belong to, what each is used as, and how often. */
export class Frames {
  /** Number of the first frame of the domain, and of the first behind the last. */
  readonly first = XEN_MACHINE.guest / PAGE_SIZE;
  readonly end: number;
  /** Set by the page tables and descriptors, which know what a frame may hold. */
  validator: FrameValidator = { validate: () => undefined, release: () => undefined };
  private readonly cpu: Cpu;
  private readonly types: Uint8Array;
  private readonly counts: Uint32Array;
  private readonly flags: Uint8Array;

  /** `bytes`: of machine memory. */
  constructor(cpu: Cpu, bytes: number) {
    this.cpu = cpu;
    this.end = Math.floor(bytes / PAGE_SIZE);
    this.types = new Uint8Array(this.end);
    this.counts = new Uint32Array(this.end);
    this.flags = new Uint8Array(this.end).fill(OWNED, this.first);
  }

  owned(frame: number): boolean {
    return ((this.flags[frame] ?? 0) & OWNED) !== 0;
  }
  typeOf(frame: number): FrameType {
    return FRAME_TYPES[this.types[frame] ?? 0] ?? 'none';
  }
  /** `frame 0x8c1 is an L1 page table (used 2 times)`. */
  describe(frame: number): string {
    if (!this.owned(frame)) return `machine frame ${hex(frame)} is not the guest's`;
    return `machine frame ${hex(frame)} is ${NAMES[this.typeOf(frame)]} (used ${this.counts[frame] ?? 0} times)`;
  }
  isPinned(frame: number): boolean {
    return ((this.flags[frame] ?? 0) & PINNED) !== 0;
  }
  setPinned(frame: number, pinned: boolean): void {
    this.flags[frame] = ((this.flags[frame] ?? 0) & ~PINNED) | (pinned ? PINNED : 0);
  }

  /** Uses a frame as `type` once more. Throws -EINVAL when it is not the guest's, is used as something else, or holds what it may not. */
  take(frame: number, type: FrameType): void {
    this.requireOwned(frame);
    if (this.counts[frame] === 0) {
      this.types[frame] = FRAME_TYPES.indexOf(type);
      this.counts[frame] = 1;
      try {
        this.validator.validate(frame, type);
      } catch (error) {
        this.types[frame] = 0;
        this.counts[frame] = 0;
        throw error;
      }
      return;
    }
    if (this.typeOf(frame) !== type)
      throw new XenError('EINVAL', `${this.describe(frame)}; it cannot become ${NAMES[type]}`);
    this.counts[frame] = (this.counts[frame] ?? 0) + 1;
  }

  /** Ends one use that {@link take} began. */
  drop(frame: number): void {
    const count = (this.counts[frame] ?? 0) - 1;
    if (count > 0) {
      this.counts[frame] = count;
      return;
    }
    const type = this.typeOf(frame);
    this.counts[frame] = 0;
    this.types[frame] = 0;
    this.validator.release(frame, type);
    if (((this.flags[frame] ?? 0) & LEAVING) !== 0) this.flags[frame] = 0;
  }

  requireOwned(frame: number): void {
    if (!this.owned(frame)) throw new XenError('EINVAL', this.describe(frame));
  }

  /** Takes a frame from the domain, at once or with its last use; a pin is none (Xen 4.2, common/memory.c, guest_remove_page). */
  surrender(frame: number): void {
    this.requireOwned(frame);
    this.setPseudoPhysical(frame, INVALID_M2P_ENTRY);
    this.flags[frame] = (this.flags[frame] ?? 0) | LEAVING;
    if (this.isPinned(frame)) {
      this.setPinned(frame, false);
      this.drop(frame);
    } else if (this.counts[frame] === 0) this.flags[frame] = 0;
  }

  /** Gives the domain a frame that it has not got, of zeros; undefined when there is none. */
  obtain(): number | undefined {
    for (let frame = this.first; frame < this.end; frame++) {
      if (this.owned(frame)) continue;
      this.flags[frame] = OWNED;
      for (let at = 0; at < PAGE_SIZE; at += 4) this.cpu.memory.writePhysical(frame * PAGE_SIZE + at, 32, 0);
      return frame;
    }
    return undefined;
  }

  get ownedCount(): number {
    return this.flags.reduce((sum, flags) => sum + ((flags & OWNED) === 0 ? 0 : 1), 0);
  }

  /** Entry of the machine-to-physical table. */
  setPseudoPhysical(frame: number, value: number): void {
    this.cpu.memory.writePhysical(XEN_MACHINE.machineToPhysical + frame * 4, 32, value);
  }

  save(): DeviceState {
    return {
      types: toBase64(this.types),
      counts: [...this.counts.entries()].filter(([, count]) => count > 0),
      flags: toBase64(this.flags),
    };
  }
  restore(state: DeviceState): void {
    const { types, counts, flags } = state as { types: string; counts: [number, number][]; flags: string };
    this.types.set(fromBase64(types));
    this.flags.set(fromBase64(flags));
    this.counts.fill(0);
    for (const [frame, count] of counts) this.counts[frame] = count;
  }
}

/** The machine-to-physical table: the domain's frames, and nothing for the rest. */
export function machineToPhysical(frames: Frames): Uint8Array {
  const table = new Uint32Array(XEN_MACHINE.machineToPhysicalSize / 4).fill(INVALID_M2P_ENTRY);
  for (let frame = frames.first; frame < frames.end; frame++) table[frame] = frame - frames.first;
  return new Uint8Array(table.buffer);
}

/** Levels of page tables in which the tables of a domain begin. */
export function topType({ pae }: XenPagingLayout): FrameType {
  return pae ? 'l3' : 'l2-xen';
}
