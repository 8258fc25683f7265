import { VECTOR } from './exceptions.ts';

/** #PF error code bits (SDM 3, 4.7). */
export const PAGE_FAULT = {
  /** 0: an entry was not present; 1: the rights refused. */
  protection: 1,
  write: 2,
  /** The access was made at CPL 3. */
  user: 4,
  reservedBit: 8,
  fetch: 16,
} as const;

/** Selector error code bits (SDM 3, 6.13). */
export const SELECTOR_ERROR = {
  /** The fault came while an interrupt or an earlier exception was being delivered. */
  external: 1,
  /** The index is a vector: the gate in the IDT is at fault. */
  idt: 2,
  /** The index is in the LDT; no meaning while `idt` is set. */
  ldt: 4,
} as const;

/** `write, page not present, supervisor`. */
export function describePageFaultErrorCode(code: number): string {
  const access = (code & PAGE_FAULT.write) !== 0 ? 'write' : (code & PAGE_FAULT.fetch) !== 0 ? 'fetch' : 'read';
  const cause =
    (code & PAGE_FAULT.reservedBit) !== 0
      ? 'reserved bit set'
      : (code & PAGE_FAULT.protection) !== 0
        ? 'rights refused'
        : 'page not present';
  return `${access}, ${cause}, ${(code & PAGE_FAULT.user) !== 0 ? 'user' : 'supervisor'}`;
}

/** `index 6, IDT, external`; a code without a selector says so. */
export function describeSelectorErrorCode(code: number): string {
  const index = (code & 0xffff) >>> 3;
  const idt = (code & SELECTOR_ERROR.idt) !== 0;
  const table = idt ? 'IDT' : (code & SELECTOR_ERROR.ldt) !== 0 ? 'LDT' : 'GDT';
  const place = !idt && (code & 0xfffc) === 0 ? 'no selector' : `index ${index}, ${table}`;
  return (code & SELECTOR_ERROR.external) !== 0 ? `${place}, external` : place;
}

/** What the error code of `vector` says; undefined where it says nothing (#DF and #AC push 0, the others push none). */
export function describeErrorCode(vector: number, code: number): string | undefined {
  if (vector === VECTOR.PF) return describePageFaultErrorCode(code);
  const hasSelector = vector === VECTOR.TS || vector === VECTOR.NP || vector === VECTOR.SS || vector === VECTOR.GP;
  return hasSelector ? describeSelectorErrorCode(code) : undefined;
}
