import { ACCESS } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { POISON } from './flat-state.ts';
import type { KernelImage } from './kernel-image.ts';
import { linearPageTables } from './lguest-page-tables.ts';
import { placeBootParams } from './linux-32.ts';
import { placeLinux } from './linux-kernel.ts';
import { memoryMend, MemoryLayout, MIB } from './memory-layout.ts';
import type { EntryPromise, EntryState, LoadOptions } from './protocol.ts';

const PAGE = 4096;
const TABLE_SPAN = 0x400000;
const TABLE_PAGES = TABLE_SPAN / PAGE;
const LOWEST = 0x10000;

/** Entries 12 and 13 of Linux's GDT (asm-i386/segment.h, GDT_ENTRY_KERNEL_BASE), with RPL 1. */
const KERNEL_CS = 0x61;
const KERNEL_DS = 0x69;
const FLAT =
  ACCESS.accessed |
  ACCESS.readWrite |
  ACCESS.codeOrData |
  ACCESS.present |
  ACCESS.big |
  ACCESS.granularity |
  (1 << ACCESS.dplShift);
const CODE: SegmentCache = { selector: KERNEL_CS, base: 0, limit: 0xffffffff, access: FLAT | ACCESS.code };
const DATA: SegmentCache = { selector: KERNEL_DS, base: 0, limit: 0xffffffff, access: FLAT };
const NULL: SegmentCache = { selector: 0, base: 0, limit: 0, access: 0 };
const TR: SegmentCache = { selector: 0, base: 0, limit: 0xffff, access: 0x8b00 };
/** Flat code and data of DPL 1 at the selectors above; all other entries are null. */
const GDT = new Uint8Array(
  new BigUint64Array([...new Array<bigint>(12).fill(0n), 0x00cfbb000000ffffn, 0x00cfb3000000ffffn]).buffer,
);

/** PG, ET, PE. */
const CR0 = 0x80000011;
const EFLAGS_ALWAYS = 1 << 1;
const EFLAGS_DF = 1 << 10;
/** No hypervisor need stand below to do a probe's I/O for it: CPL 1 may. */
const EFLAGS_IOPL_1 = 1 << 12;

/**
 * Lays out memory for the generic entry of Linux 2.6.20: the kernel by its physical addresses, boot_params as for the 32-bit entry, a GDT
 * with segments of CPL 1, and page tables in which all memory is at its physical address and where the kernel is linked. The kernel is
 * entered at its linked address. Throws what the image or the options lack.
 */
export function planParavirt(image: KernelImage, options: LoadOptions): ProtocolPlan {
  const kernel = placeLinux(image);
  const { bias } = kernel;
  if (bias % TABLE_SPAN !== 0) throw oddBias(image, bias);
  const layout = new MemoryLayout(options.memory);
  layout.claim(kernel.regions);
  const directory = placePageTables(layout, bias);
  const bootParams = placeBootParams(layout, kernel, options);
  const gdt = layout.place('GDT', GDT, 8, LOWEST) ?? 0;
  const eip = (kernel.entry + bias) >>> 0;
  return {
    regions: layout.regions,
    state: entryState({ eip, bootParams, gdt, directory, poison: options.poison }),
    promises: paravirtPromises(eip, bias),
    information: { kind: 'boot_params', register: 'esi', address: bootParams },
    // Paging is on: a symbol is where it is linked from the first instruction on.
    physicalBias: 0,
  };
}

/** All memory, present at its physical address and `bias` above it; the physical address of the directory. */
function placePageTables(layout: MemoryLayout, bias: number): number {
  const pages = Math.floor(layout.memory / PAGE);
  const size = (Math.ceil(pages / TABLE_PAGES) + 1) * PAGE;
  const address = layout.placeHigh('page tables', new Uint8Array(size), PAGE, layout.memory);
  if (address === undefined)
    throw new StartOfDayError({
      code: 'page-tables-too-large',
      blame: 'user',
      title: 'The page tables do not fit behind the kernel',
      detail: `They need ${hex(size)} bytes in physical ${hex(MIB, 8)} … ${hex(layout.memory - 1, 8)}, beside the kernel`,
      mend: memoryMend(layout.end + size),
    });
  const tables = linearPageTables(pages, bias === 0 ? [0] : [0, bias], address + size);
  layout.fill('page tables', tables.address, tables.bytes);
  return tables.directory;
}

function entryState(given: {
  readonly eip: number;
  readonly bootParams: number;
  readonly gdt: number;
  readonly directory: number;
  readonly poison: boolean;
}): EntryState {
  const { eip, bootParams, gdt, directory, poison } = given;
  const rest = poison ? POISON : 0;
  return {
    registers: { eax: rest, ecx: rest, edx: rest, ebx: 0, esp: rest, ebp: rest, esi: bootParams, edi: rest },
    eip,
    eflags: EFLAGS_ALWAYS | EFLAGS_IOPL_1 | (poison ? EFLAGS_DF : 0),
    segments: { es: DATA, cs: CODE, ss: DATA, ds: DATA, fs: NULL, gs: NULL, ldtr: NULL, tr: TR },
    gdtr: { base: gdt, limit: GDT.length - 1 },
    idtr: { base: 0, limit: 0 },
    cr0: CR0,
    cr3: directory,
    cr4: 0,
    cpl: 1,
  };
}

/** What startup_32 and startup_paravirt of 2.6.20 rely on; undefined where they do not look. */
function paravirtPromises(eip: number, bias: number): readonly EntryPromise[] {
  const startup = 'Linux 2.6.20, arch/i386/kernel/head.S, startup_32';
  const probes = 'Linux 2.6.20, arch/i386/kernel/head.S, startup_paravirt';
  const hypervisor = 'the proposal of October 2006: registers are for the hypervisor, and every probe finds them';
  const data =
    'flat read/write data of CPL 1, selector 0x69: the stack and the probe table are used by their linked addresses';
  const at = bias === 0 ? 'its physical address' : `its physical address, and ${hex(bias, 8)} above it`;
  return [
    { item: 'EIP', promise: `startup_32 where it is linked, ${hex(eip, 8)}`, source: startup },
    { item: 'CS', promise: 'RPL not 0: flat execute/read code of CPL 1, selector 0x61', source: startup },
    ...['SS', 'DS', 'ES'].map((item) => ({ item, promise: data, source: probes })),
    { item: 'GDTR', promise: 'a table with these two segments', source: probes },
    { item: 'CR0.PE', promise: '1', source: startup },
    { item: 'CR0.PG', promise: '1', source: probes },
    { item: 'CR3', promise: `page tables in which memory is at ${at}`, source: probes },
    { item: 'EBX', promise: '0, or what "registers" says: the index of the hypervisor', source: hypervisor },
    { item: 'ESI', promise: 'address of boot_params, or what "registers" says', source: hypervisor },
    { item: 'EFLAGS.IF', promise: '0', source: probes },
    { item: 'EFLAGS.IOPL', promise: '1, so that a probe may use I/O ports', source: 'this loader' },
    ...['EDI', 'EBP', 'ECX', 'EDX'].map((item) => ({ item, promise: undefined, source: hypervisor })),
    ...['EAX', 'ESP', 'EFLAGS.DF', 'FS', 'GS', 'IDTR'].map((item) => ({ item, promise: undefined, source: probes })),
  ];
}

function oddBias(image: KernelImage, bias: number): StartOfDayError {
  return new StartOfDayError({
    code: 'paravirt-bias',
    blame: 'user',
    title: `${image.name} is not linked a multiple of 4 MiB above where it is loaded`,
    detail: `p_vaddr minus p_paddr of the segment with the entry is ${hex(bias, 8)}; the page tables of this entry map memory in steps of ${hex(TABLE_SPAN)}`,
    mend: 'Link it as Linux does: at 0xc0000000 plus its physical address.',
  });
}
