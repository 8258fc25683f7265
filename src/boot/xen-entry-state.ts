import { RESERVED_GDT_PAGE, segmentLimitPages, XEN_SELECTOR } from '../abi/xen/layout.ts';
import type { XenPagingLayout } from '../abi/xen/layout.ts';
import { TASK_STATE_OFFSET } from '../abi/xen/descriptors.ts';
import { ACCESS } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import { hex } from '../util/hex.ts';
import type { EntryPromise, EntryState } from './protocol.ts';

/** CR0 under Xen: PG AM WP NE ET TS MP PE. TS, because the FPU is switched when it is first used. */
const CR0 = 0x8005003b;
/** CR4: OSXMMEXCPT OSFXSR MCE, with PAE or, for Xen's own large pages, PSE. */
const CR4_PAE = 0x660;
const CR4_NON_PAE = 0x650;
const EFLAGS = 0x202;

const CODE_OR_DATA =
  ACCESS.accessed | ACCESS.readWrite | ACCESS.codeOrData | ACCESS.present | ACCESS.big | ACCESS.granularity;
const TASK_STATE = 0x8b00;
const TASK_STATE_SELECTOR = 0xe040;
const TASK_STATE_LIMIT = 0x67;

/** What the state at the entry depends on. Linear addresses, but `tables`, the machine address of the top level. */
export interface XenEntry {
  readonly layout: XenPagingLayout;
  readonly entry: number;
  readonly startInfo: number;
  readonly stackEnd: number;
  readonly tables: number;
}

/** A 32-bit PV guest's first instruction: ring 1, paging on (Xen 4.17, xg_dom_x86.c, vcpu_x86_32). */
export function xenEntryState({ layout, entry, startInfo, stackEnd, tables }: XenEntry): EntryState {
  const ring1 = 1 << ACCESS.dplShift;
  const limit = segmentLimitPages(layout) * 0x1000 + 0xfff;
  const data: SegmentCache = { selector: XEN_SELECTOR.ring1Data, base: 0, limit, access: CODE_OR_DATA | ring1 };
  const code: SegmentCache = {
    selector: XEN_SELECTOR.ring1Code,
    base: 0,
    limit,
    access: CODE_OR_DATA | ring1 | ACCESS.code,
  };
  const gdt = layout.m2pEnd;
  return {
    registers: { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: stackEnd, ebp: 0, esi: startInfo, edi: 0 },
    eip: entry,
    eflags: EFLAGS,
    segments: {
      es: data,
      cs: code,
      ss: data,
      ds: data,
      fs: data,
      gs: data,
      ldtr: { selector: 0, base: 0, limit: 0, access: 0 },
      tr: {
        selector: TASK_STATE_SELECTOR,
        base: gdt + RESERVED_GDT_PAGE * 0x1000 + TASK_STATE_OFFSET,
        limit: TASK_STATE_LIMIT,
        access: TASK_STATE,
      },
    },
    gdtr: { base: gdt, limit: (RESERVED_GDT_PAGE + 1) * 0x1000 - 1 },
    idtr: { base: 0, limit: 0 },
    cr0: CR0,
    cr3: tables,
    cr4: layout.pae ? CR4_PAE : CR4_NON_PAE,
    cpl: 1,
  };
}

/** The contract of a PV start of day, item by item. */
export function xenPromises({ layout, entry }: XenEntry): readonly EntryPromise[] {
  const limit = hex(segmentLimitPages(layout) * 0x1000 + 0xfff, 8);
  const data = `0xe021, FLAT_RING1_DS: 32-bit read/write data, DPL 1, base 0, limit ${limit}`;
  const builder = 'Xen tools/libs/guest/xg_dom_x86.c, vcpu_x86_32';
  const header = 'Xen public/xen.h, Start-of-day memory layout';
  const selectors = 'Xen public/arch-x86/xen-x86_32.h';
  const table: readonly (readonly [item: string, promise: string | undefined, source: string])[] = [
    ['EIP', `note ENTRY, VIRT_ENTRY or e_entry: ${hex(entry, 8)}`, builder],
    ['ESI', 'linear address of start_info', header],
    ['ESP', 'end of the boot stack, one page', header],
    ['EAX', '0', builder],
    ['EBX', '0', builder],
    ['ECX', '0', builder],
    ['EDX', '0', builder],
    ['EDI', '0', builder],
    ['EBP', '0', builder],
    ['CS', `0xe019, FLAT_RING1_CS: 32-bit read/execute code, DPL 1, base 0, limit ${limit}`, selectors],
    ['DS', data, selectors],
    ['ES', data, selectors],
    ['FS', data, selectors],
    ['GS', data, selectors],
    ['SS', data, selectors],
    ['EFLAGS.IF', '1, though no event is delivered: evtchn_upcall_mask is 1', builder],
    ['CR0.PG', '1', header],
    ['CR3', `machine address of the top level page table${layout.pae ? ', PAE' : ''}`, header],
    ['GDTR', 'Xen’s table: the guest has given none', selectors],
    ['IDTR', undefined, 'Xen has the IDT; HYPERVISOR_set_trap_table gives it handlers'],
    ['CR0', undefined, 'Xen has it'],
    ['CR4', undefined, 'Xen has it'],
    ['TR', undefined, 'Xen has it'],
  ];
  return table.map(([item, promise, source]) => ({ item, promise, source }));
}
