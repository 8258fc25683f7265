import type { Commit } from '../../isa/instruction.ts';
import type { MemoryAccess, SegmentRef, Value, Width } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { I32, I64 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { FUNCTION } from './functions.ts';
import { FlagLowering } from './flag-lowering.ts';

/** Where a read-modify-write goes: its linear address, and its address in memory (0: take the slow path). */
interface Place {
  readonly linear: number;
  readonly host: number;
}

/** What slow paths are told beside the number of bytes: the access is or becomes a write. */
const FOR_WRITING = 16;

/** Memory through segments and the software TLBs. */
export abstract class MemoryLowering extends FlagLowering {
  private places = new Map<MemoryAccess, Place>();

  /** Leaves because the instruction cannot complete here. */
  protected abstract bail(): void;
  /** Pushes a word of a segment cache. */
  protected abstract segmentWord(segment: SegmentRef, word: number): void;

  /** True when every access through a segment is allowed, and its offsets are linear addresses. */
  protected abstract isFlat(segment: SegmentRef): boolean;

  /** True when accesses that miss the TLBs are not completed here: {@link leaveOnMiss} goes to where they are. */
  protected readonly missesElsewhere: boolean = false;
  protected leaveOnMiss(): void {
    throw internalError('misses are completed here');
  }
  /** Where misses are not completed here: leaves, or keeps in `host` where a write goes that missed a TLB entry. */
  protected abstract hostOnMissedWrite(host: number, linear: number, entry: number, bytes: number): void;

  /** Forgets the places of the last instruction. */
  protected beginMemory(): void {
    this.places = new Map();
  }

  /** Checks an access against its segment and leaves the linear address in a local. */
  private linear(segment: SegmentRef, offset: Value, bytes: number, write: boolean): number {
    const { code } = this;
    const at = code.temporary(I32);
    if (this.isFlat(segment)) {
      this.emit(offset);
      code.set(at);
      return at;
    }
    const start = code.temporary(I32);
    this.emit(offset);
    code.tee(at);
    this.segmentWord(segment, L.SEGMENT_LOWEST);
    code.numeric('sub');
    code.set(start);
    const starts = (write ? L.SEGMENT_WRITES : L.SEGMENT_READS) + Math.log2(Math.min(bytes, 4)) * 4;
    code.get(start);
    this.segmentWord(segment, starts);
    code.numeric('geu');
    if (bytes === 8) {
      code.get(start);
      code.i32(4);
      code.numeric('add');
      this.segmentWord(segment, starts);
      code.numeric('geu');
      code.numeric('or');
    }
    code.if();
    this.bail();
    code.end();
    const linear = code.temporary(I32);
    code.get(at);
    this.segmentWord(segment, L.SEGMENT_BASE);
    code.numeric('add');
    code.set(linear);
    return linear;
  }

  /** Leaves "the slow path is needed" on the stack; the result is the local with the TLB entry. */
  private lookUp(linear: number, bytes: number, write: boolean): number {
    const { code } = this;
    const entry = code.temporary(I32);
    code.get(linear);
    code.i32(12);
    code.numeric('shr');
    code.i32(2);
    code.numeric('shl');
    code.load(32, write ? L.TLB_WRITE : L.TLB_READ);
    code.tee(entry);
    // The low bits of an entry are all 0 or all 1: with the address's, those of one that does not reach into the next page, or more.
    if (bytes > 1) {
      code.get(linear);
      code.numeric('or');
    }
    code.i32(0xfff);
    code.numeric('and');
    if (bytes > 1) {
      code.i32(0x1000 - bytes);
      code.numeric('gtu');
    }
    return entry;
  }

  /** Pushes where a write goes that missed the TLB: its address in memory when it is in a page with code but beside it, else 0. */
  private hostBesideCode(linear: number, bytes: number): void {
    this.code.get(linear);
    this.code.i32(bytes);
    this.code.call(FUNCTION.hostBesideCode);
  }

  /** Pushes where an access goes by the TLB entry that it hits. */
  private hostOf(linear: number, entry: number): void {
    this.code.get(linear);
    this.code.get(entry);
    this.code.numeric('xor');
  }
  /** Leaves the address in memory in a local, or leaves where the top of the stack says that the TLB has no entry. */
  private hostOrLeave(linear: number, entry: number, bytes: number, write: boolean): number {
    const { code } = this;
    const host = code.temporary(I32);
    code.if();
    if (write) this.hostOnMissedWrite(host, linear, entry, bytes);
    else this.leaveOnMiss();
    code.else();
    this.hostOf(linear, entry);
    code.set(host);
    code.end();
    return host;
  }

  protected load(value: Value): void {
    const { node, width } = value;
    if (node.kind !== 'load') throw internalError(`a load of a ${node.kind}`);
    const { code } = this;
    const bytes = width / 8;
    const write = node.access.readModifyWrite;
    const linear = this.linear(node.segment, node.offset, bytes, write);
    const loaded = code.temporary(width === 64 ? I64 : I32);
    const entry = this.lookUp(linear, bytes, write);
    let host: number;
    if (this.missesElsewhere) {
      host = this.hostOrLeave(linear, entry, bytes, write);
      code.get(host);
      code.load(width, 0);
      code.set(loaded);
    } else {
      host = code.temporary(I32);
      code.if();
      if (write) {
        this.hostBesideCode(linear, bytes);
        code.tee(host);
        code.if();
        code.get(host);
        code.load(width, 0);
        code.set(loaded);
        code.else();
      }
      this.loadSlowly(linear, bytes | (write ? FOR_WRITING : 0), loaded, width);
      if (write) code.end();
      code.else();
      this.hostOf(linear, entry);
      code.tee(host);
      code.load(width, 0);
      code.set(loaded);
      code.end();
    }
    this.locals.set(value, loaded);
    if (write) this.places.set(node.access, { linear, host });
  }

  protected store(commit: Extract<Commit, { kind: 'store' }>): void {
    const { code } = this;
    const { value } = commit;
    const bytes = value.width / 8;
    this.pin(value);
    const place = commit.access === undefined ? undefined : this.places.get(commit.access);
    if (place !== undefined) return this.storeBack(place, value);
    const linear = this.linear(commit.segment, commit.offset, bytes, true);
    const entry = this.lookUp(linear, bytes, true);
    if (this.missesElsewhere) return this.storeAt(this.hostOrLeave(linear, entry, bytes, true), value);
    const host = code.temporary(I32);
    code.if();
    this.hostBesideCode(linear, bytes);
    code.tee(host);
    code.if();
    this.storeAt(host, value);
    code.else();
    this.callStore(linear, bytes, value);
    this.bailIfAsked();
    code.end();
    code.else();
    this.hostOf(linear, entry);
    this.emit(value);
    code.store(value.width, 0);
    code.end();
  }
  /** Stores at the address in memory in a local. */
  private storeAt(host: number, value: Value): void {
    this.code.get(host);
    this.emit(value);
    this.code.store(value.width, 0);
  }

  /** Stores what a read-modify-write has computed where it has read from. */
  private storeBack({ linear, host }: Place, value: Value): void {
    const { code } = this;
    if (this.missesElsewhere) return this.storeAt(host, value);
    code.get(host);
    code.if();
    this.storeAt(host, value);
    code.else();
    this.callStore(linear, (value.width / 8) | FOR_WRITING, value);
    code.end();
  }

  /** Loads what the TLB has no entry for, into a local. */
  private loadSlowly(linear: number, access: number, loaded: number, width: Width): void {
    const { code } = this;
    code.get(linear);
    code.i32(access);
    code.call(width === 64 ? FUNCTION.load64 : FUNCTION.load32);
    code.set(loaded);
    this.bailIfAsked();
  }
  /** Stores what the TLB has no entry for. */
  private callStore(linear: number, access: number, value: Value): void {
    this.code.get(linear);
    this.code.i32(access);
    this.emit(value);
    this.code.call(value.width === 64 ? FUNCTION.store64 : FUNCTION.store32);
  }

  private bailIfAsked(): void {
    this.word(L.BAIL, 32);
    this.code.if();
    this.bail();
    this.code.end();
  }
}
