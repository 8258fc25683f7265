import { ACCESS } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import type { EntryState, GeneralRegister } from './protocol.ts';

/** What a register holds that nobody promised. */
export const POISON = 0x5eedface;

const FLAT = ACCESS.accessed | ACCESS.readWrite | ACCESS.codeOrData | ACCESS.present | ACCESS.big | ACCESS.granularity;
const CODE: SegmentCache = { selector: 0x08, base: 0, limit: 0xffffffff, access: FLAT | ACCESS.code };
const DATA: SegmentCache = { selector: 0x10, base: 0, limit: 0xffffffff, access: FLAT };
/** As reset leaves them (SDM 3, "Processor State After Reset"): a present LDT, a present busy 32-bit TSS. */
export const LDTR_AT_RESET: SegmentCache = { selector: 0, base: 0, limit: 0xffff, access: 0x8200 };
export const TR_AT_RESET: SegmentCache = { selector: 0, base: 0, limit: 0xffff, access: 0x8b00 };

const CR0_PE_ET = 0x11;
const EFLAGS_ALWAYS = 1 << 1;
const EFLAGS_DF = 1 << 10;
/** IDTR after reset: the real-mode vectors. */
export const REAL_MODE_VECTORS = { base: 0, limit: 0x3ff };

/** Null, flat code, flat data: for kernels that reload segments before they have a GDT of their own. */
export const FLAT_GDT = new Uint8Array(new BigUint64Array([0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn]).buffer);

export interface FlatEntry {
  /** Physical address. */
  readonly eip: number;
  /** What the protocol promises in registers. */
  readonly registers: Partial<Record<GeneralRegister, number>>;
  /** Physical address of {@link FLAT_GDT}; undefined fills everything that is not promised with a recognisable pattern. */
  readonly gdt: number | undefined;
}

/** 32-bit protected mode, flat 4 GiB segments, paging and interrupts off. */
export function flatState({ eip, registers, gdt }: FlatEntry): EntryState {
  const poison = gdt === undefined;
  const rest = poison ? POISON : 0;
  return {
    registers: { eax: rest, ecx: rest, edx: rest, ebx: rest, esp: rest, ebp: rest, esi: rest, edi: rest, ...registers },
    eip,
    eflags: poison ? EFLAGS_ALWAYS | EFLAGS_DF : EFLAGS_ALWAYS,
    segments: { es: DATA, cs: CODE, ss: DATA, ds: DATA, fs: DATA, gs: DATA, ldtr: LDTR_AT_RESET, tr: TR_AT_RESET },
    gdtr: poison ? { base: 0, limit: 0 } : { base: gdt, limit: FLAT_GDT.length - 1 },
    idtr: poison ? { base: 0, limit: 0 } : REAL_MODE_VECTORS,
    cr0: CR0_PE_ET,
    cr3: 0,
    cr4: 0,
    cpl: 0,
  };
}
