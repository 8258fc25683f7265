import { hypercallPage } from '../abi/xen/hypercall-page.ts';
import { CONSOLE_PORT, PAGE_SIZE, STORE_PORT, XEN_MACHINE } from '../abi/xen/layout.ts';
import { initialSharedInfo } from '../abi/xen/shared-info.ts';
import { MAX_GUEST_CMDLINE, SIF_MOD_START_PFN, START_INFO_MAGIC, START_INFO_SIZE } from '../abi/xen/start-info.ts';
import { alignUp } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { memoryMend } from './memory-layout.ts';
import type { LoadedRegion, LoadOptions, ModuleFile } from './protocol.ts';
import type { XenKernel } from './xen-acceptance.ts';
import { xenEntryState, xenPromises } from './xen-entry-state.ts';
import { bootTables, encodeBootTables, pagingLayout } from './xen-page-tables.ts';
import type { BootTables } from './xen-page-tables.ts';
import { encodeStartInfo } from './xen-start-info.ts';

const MEGABYTES_4 = 0x40_0000;
/** The boot stack, and 512 KiB that are mapped behind it. */
const EXTRA_PAGES = 1 + 128;
/** At least this much of a domain: what lies below is not worth the arithmetic. */
const LEAST_MEMORY = 0x10_0000;

/**
 * Builds a domain as Xen's tools do (xen.h, "Start-of-day memory layout"; Xen 4.17, tools/libs/guest): from VIRT_BASE on the image, the
 * module, the list of machine frames, start_info, the pages of xenstore and console, the page tables, the stack. `memory` is what the
 * domain has; its machine frames begin above what Xen has, so that a frame number of one kind never works as one of the other.
 */
export function planXenDomain(kernel: XenKernel, options: LoadOptions): ProtocolPlan {
  const domain = new DomainMemory(kernel, options.memory);
  const { base, pae } = kernel;
  for (const region of kernel.segments) domain.put(region);
  if (kernel.hypercallPage !== undefined)
    domain.put({
      name: 'hypercall page',
      address: kernel.hypercallPage - base,
      bytes: hypercallPage('pv'),
      size: PAGE_SIZE,
    });
  domain.end = alignUp(kernel.end - base, PAGE_SIZE);
  const module = moduleOf(options);
  const mapped =
    module === undefined || kernel.unmappedModule ? undefined : domain.allocate(`module ${module.name}`, module.bytes);
  const pages = Math.floor(options.memory / PAGE_SIZE);
  const list = domain.allocate('machine frame list', frameList(pages));
  const startInfo = domain.take(PAGE_SIZE);
  const store = domain.reserve('xenstore ring');
  const console = domain.reserve('console ring');
  const tables = tablesFor(kernel, domain.end);
  const tableBase = domain.end;
  const physical = XEN_MACHINE.guest;
  domain.allocate('page tables', encodeBootTables(tables, physical + tableBase, physical));
  const stack = domain.reserve('boot stack');
  domain.require('the initial mapping, with 512 KiB behind the stack', tables.to - base);
  const unmapped =
    module !== undefined && kernel.unmappedModule ? domain.allocate(`module ${module.name}`, module.bytes) : undefined;
  const information = encodeStartInfo({
    magic: pae ? START_INFO_MAGIC.pae : START_INFO_MAGIC.nonPae,
    nr_pages: pages,
    shared_info: XEN_MACHINE.sharedInfo,
    flags: unmapped === undefined ? 0 : SIF_MOD_START_PFN,
    store_mfn: (physical + store) / PAGE_SIZE,
    store_evtchn: STORE_PORT,
    'console.domU.mfn': (physical + console) / PAGE_SIZE,
    'console.domU.evtchn': CONSOLE_PORT,
    pt_base: base + tableBase,
    nr_pt_frames: tables.frames,
    mfn_list: base + list,
    mod_start: unmapped !== undefined ? unmapped / PAGE_SIZE : mapped === undefined ? 0 : base + mapped,
    mod_len: moduleLength(module, unmapped !== undefined),
    cmd_line: commandLine(options.cmdline),
    first_p2m_pfn: 0,
    nr_p2m_frames: 0,
  });
  domain.put({ name: 'start_info', address: startInfo, bytes: information, size: PAGE_SIZE });
  const state = {
    layout: pagingLayout(pae),
    entry: kernel.entry,
    startInfo: base + startInfo,
    stackEnd: base + stack + PAGE_SIZE,
    tables: physical + tableBase,
  };
  return {
    regions: [
      ...domain.regions,
      { name: 'shared_info', address: XEN_MACHINE.sharedInfo, bytes: initialSharedInfo(), size: PAGE_SIZE },
    ],
    state: xenEntryState(state),
    promises: xenPromises(state),
    information: { kind: 'start_info', register: 'esi', address: physical + startInfo, linear: base + startInfo },
    physicalBias: 0,
    hypervisor: 'xen',
    reservedMemory: XEN_MACHINE.guest,
  };
}

/** The pseudo-physical memory of a domain while it is built. Addresses are pseudo-physical until {@link regions}. */
class DomainMemory {
  /** First free address. */
  end = 0;
  private readonly kernel: XenKernel;
  private readonly memory: number;
  private readonly placed: LoadedRegion[] = [];

  constructor(kernel: XenKernel, memory: number) {
    this.kernel = kernel;
    this.memory = memory;
    this.require('a domain', LEAST_MEMORY);
  }

  /** At machine addresses. */
  get regions(): readonly LoadedRegion[] {
    return this.placed.map((region) => ({ ...region, address: region.address + XEN_MACHINE.guest }));
  }

  put(region: LoadedRegion): void {
    this.require(region.name, region.address + region.size);
    this.placed.push(region);
  }

  /** Keeps `size` bytes of whole pages at the end for later; their address. */
  take(size: number): number {
    const address = this.end;
    this.end += size;
    return address;
  }

  /** Puts bytes into whole pages at the end; their address. */
  allocate(name: string, bytes: Uint8Array): number {
    const size = alignUp(bytes.length, PAGE_SIZE);
    const address = this.take(size);
    this.put({ name, address, bytes, size });
    return address;
  }

  /** A page of zeros. */
  reserve(name: string): number {
    return this.allocate(name, new Uint8Array(PAGE_SIZE));
  }

  /** Throws where memory does not reach up to `end`. */
  require(what: string, end: number): void {
    if (end <= this.memory) return;
    throw new StartOfDayError({
      code: 'image-too-large',
      blame: 'user',
      title: `The kernel does not fit in a domain of ${binarySize(this.memory)}`,
      detail: `${what} ends at pseudo-physical ${hex(end, 8)}, linear ${hex(this.kernel.base + end, 8)}; memory ends at ${hex(this.memory, 8)}`,
      mend: memoryMend(end),
    });
  }
}

/** As many page tables as map all, themselves and 512 KiB behind the stack, up to a multiple of 4 MiB. */
function tablesFor({ base, pae, guest }: XenKernel, end: number): BootTables {
  const layout = pagingLayout(pae);
  for (let pages = EXTRA_PAGES; ;) {
    const to = (Math.floor((base + end + pages * PAGE_SIZE) / MEGABYTES_4) + 1) * MEGABYTES_4;
    if (to > layout.hole)
      throw new StartOfDayError({
        code: 'xen-hole',
        blame: 'user',
        title: 'The kernel and its start of day would reach into Xen’s part of the address space',
        detail: `From VIRT_BASE ${hex(base, 8)} on they need linear addresses up to ${hex(to - 1, 8)}; ${pae ? 'with PAE' : 'without PAE'} Xen begins at ${hex(layout.hole, 8)} (${guest.source === 'notes' ? 'note 9, PAE_MODE' : 'PAE in __xen_guest'})`,
        mend: 'Link the kernel lower, or give it a smaller module.',
      });
    const tables = bootTables(layout, base, to);
    pages = tables.frames + EXTRA_PAGES;
    if (base + end + pages * PAGE_SIZE <= to) return tables;
  }
}

/** Machine frame by pseudo-physical frame. */
function frameList(pages: number): Uint8Array {
  const first = XEN_MACHINE.guest / PAGE_SIZE;
  return new Uint8Array(Uint32Array.from({ length: pages }, (_, frame) => first + frame).buffer);
}

/** The first module is the one of start_info. */
function moduleOf({ initrd, modules }: LoadOptions): Pick<ModuleFile, 'name' | 'bytes'> | undefined {
  const [module, other] = [...(initrd === undefined ? [] : [initrd]), ...modules];
  if (other === undefined) return module;
  throw new StartOfDayError({
    code: 'module-not-taken',
    blame: 'user',
    title: 'A Xen PV kernel takes one module',
    detail: `start_info has one mod_start and mod_len: ${module?.name ?? ''} is the module, nothing takes ${other.name}`,
    mend: 'Join the files to one that the kernel can take apart.',
  });
}

/** Of a module that is not mapped, in whole pages, as Xen's tools count it. */
function moduleLength(module: Pick<ModuleFile, 'bytes'> | undefined, unmapped: boolean): number {
  const length = module?.bytes.length ?? 0;
  return unmapped ? alignUp(length, PAGE_SIZE) : length;
}

function commandLine(text: string): string {
  const { length } = new TextEncoder().encode(text);
  if (length < MAX_GUEST_CMDLINE) return text;
  throw new StartOfDayError({
    code: 'command-line-too-long',
    blame: 'user',
    title: 'The command line is too long for start_info',
    detail: `It has ${count(length)} bytes; cmd_line holds ${count(MAX_GUEST_CMDLINE - 1)} and a zero byte (start_info has ${count(START_INFO_SIZE)} bytes)`,
    mend: 'Shorten "cmdline".',
  });
}
