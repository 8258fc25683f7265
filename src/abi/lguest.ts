import type { Layout } from '../util/bytes.ts';

/**
 * What lguest and its guests have agreed on. "Like all lguest interfaces, this is subject to wild and random change between versions"
 * (include/linux/lguest.h); these are the revisions that Linux releases or their candidates had. Sources: include/linux/lguest.h,
 * asm/lguest_hcall.h and drivers/lguest of each; `2.6.23-rc1` is commit 07ad157f6e5d, which merged lguest in July 2007; each stands for
 * the releases up to the next.
 */
export const LGUEST_REVISIONS = [
  ...(['2.6.23-rc1', '2.6.23-rc', '2.6.23'] as const),
  ...(['2.6.24', '2.6.30', '2.6.32', '3.0', '3.2', '4.4'] as const),
] as const;
export type LguestRevision = (typeof LGUEST_REVISIONS)[number];

/** The byte behind this text is the entry of 2.6.23 (drivers/lguest/lguest_asm.S). */
export const LGUEST_SIGNATURE = 'GenuineLguest';
/** `hardware_subarch` of boot_params. */
export const LGUEST_SUBARCH = 1;
/** INT of a hypercall: LGUEST_TRAP_ENTRY. */
export const LGUEST_TRAP_ENTRY = 0x1f;
/** Guests run at this privilege level: GUEST_PL. */
export const LGUEST_PRIVILEGE = 1;
/** Linear address of the switcher: what is above belongs to the host (SWITCHER_ADDR without PAE). */
export const LGUEST_SWITCHER = 0xffc00000;
/** Entries of the guest's GDT (GDT_ENTRIES of i386). */
export const LGUEST_GDT_ENTRIES = 32;
/** GDT entries by what Linux for i386 puts there (asm/segment.h). */
export const LGUEST_GDT_ENTRY = {
  tls: 6,
  lguestCode: 10,
  lguestData: 11,
  kernelCode: 12,
  kernelData: 13,
  tss: 16,
  doubleFault: 31,
};
/** __KERNEL_CS and __KERNEL_DS at the guest's privilege level. */
export const LGUEST_KERNEL_CS = LGUEST_GDT_ENTRY.kernelCode * 8 + LGUEST_PRIVILEGE;
export const LGUEST_KERNEL_DS = LGUEST_GDT_ENTRY.kernelData * 8 + LGUEST_PRIVILEGE;
/** Virtual interrupts: LGUEST_IRQS; interrupt n is vector 32 + n. */
export const LGUEST_INTERRUPTS = 32;
export const LGUEST_FIRST_VECTOR = 32;
/** The clock is interrupt 0. */
export const LGUEST_CLOCK_INTERRUPT = 0;
/** Entries of the ring of asynchronous hypercalls: LHCALL_RING_SIZE. */
export const LGUEST_RING_ENTRIES = 64;
/** `hcall_status` of a free entry; 0 is a call that waits. */
export const LGUEST_RING_FREE = 0xff;
/** Second argument of SHUTDOWN. */
export const LGUEST_SHUTDOWN = { powerOff: 1, restart: 2 } as const;
/** Key of the console's DMA in 2.6.23: LGUEST_CONSOLE_DMA_KEY. */
export const LGUEST_CONSOLE_DMA_KEY = 0;
/** `struct lguest_dma`: used_len, 16 addresses, 16 lengths of 16 bits. */
export const LGUEST_DMA = { usedLength: 0, addresses: 4, lengths: 68, sections: 16, size: 100 } as const;
/** `struct lguest_device_desc` of 2.6.23 for the console: type LGUEST_DEVICE_T_CONSOLE, no features, status, pages, frame. */
export const LGUEST_CONSOLE_DEVICE = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** `struct lguest_boot_info` at physical 0 (2.6.23-rc1); the command line is a C string at its end. */
export const LGUEST_BOOT_INFO = { max_pfn: [0, 'u32'], initrd_size: [4, 'u32'] } as const satisfies Layout;
export const LGUEST_BOOT_INFO_COMMAND_LINE = 8;
/** Bytes of `cmdline`, with its end. */
export const LGUEST_BOOT_INFO_COMMAND_LINE_SIZE = 256;

/** A hypercall: its name and those of its arguments, in the order of the argument registers. */
export interface LguestCall {
  readonly name: string;
  readonly arguments: readonly string[];
}

/** Offsets in `struct lguest_data`; what a revision does not have is absent. */
export interface LguestDataLayout {
  /** 0x200 while interrupts are enabled. Written by the guest, and by the host when it enters a handler. */
  readonly irq_enabled: number;
  /** A bit for each interrupt. Written by the guest. */
  readonly blocked_interrupts: number;
  /** Address of the last page fault. Written by the host. */
  readonly cr2: number;
  /** Seconds, nanoseconds. Written by the host. */
  readonly time?: number;
  /** 0x200 while an interrupt waits that `irq_enabled` keeps out. Written by the host. */
  readonly irq_pending?: number;
  readonly hcall_status: number;
  readonly hcalls: number;
  /** Bytes at the top of the linear addresses that belong to the host. Written by the host. */
  readonly reserve_mem: number;
  readonly guestid?: number;
  readonly tsc_khz?: number;
  /** Physical address of the page directory that the guest was started with. Written by the host. */
  readonly pgdir?: number;
  /** No interrupt while EIP is from here on. */
  readonly noirq_start: number;
  /** … and below this; absent: only at `noirq_start` itself. */
  readonly noirq_end?: number;
  readonly kernel_address?: number;
  readonly syscall_vec?: number;
  /** Bytes. */
  readonly size: number;
}

type ArgumentRegister = 'ebx' | 'ecx' | 'edx' | 'esi';

/** One revision of the interface. */
export interface LguestInterface {
  readonly revision: LguestRevision;
  /** How the guest calls: `int 0x1f`, or `vmcall`, which the host patches into it. */
  readonly instruction: 'int 0x1f' | 'vmcall';
  /** Linear addresses are physical ones until NEW_PGTABLE. */
  readonly startsLinear: boolean;
  /** The registers of the arguments; the number is in EAX. */
  readonly registers: readonly ArgumentRegister[];
  /** Words of a ring entry: which argument each is, 0 the number. */
  readonly ringOrder: readonly number[];
  readonly calls: ReadonlyMap<number, LguestCall>;
  readonly data: LguestDataLayout;
}

const call = (name: string, ...names: readonly string[]): LguestCall => ({ name, arguments: names });

/** What never changed. */
const COMMON: readonly (readonly [number, LguestCall])[] = [
  [0, call('FLUSH_ASYNC')],
  [1, call('LGUEST_INIT', 'lguest_data')],
  [4, call('NEW_PGTABLE', 'pgdir')],
  [5, call('FLUSH_TLB', 'kernel_too')],
  [6, call('LOAD_IDT_ENTRY', 'vector', 'low', 'high')],
  [7, call('SET_STACK', 'ss', 'esp', 'pages')],
  [8, call('TS', 'on')],
  [10, call('HALT')],
];
const FIRST: readonly (readonly [number, LguestCall])[] = [
  [2, call('CRASH', 'message')],
  [3, call('LOAD_GDT', 'table', 'entries')],
  [14, call('SET_PTE', 'pgdir', 'address', 'pte')],
  [15, call('SET_PMD', 'pgdir', 'index')],
  [16, call('LOAD_TLS', 'table', 'cpu')],
];
const DMA: readonly (readonly [number, LguestCall])[] = [
  [12, call('BIND_DMA', 'key', 'dmas', 'number_and_irq')],
  [13, call('SEND_DMA', 'key', 'dma')],
];
const SET_CLOCKEVENT = [9, call('SET_CLOCKEVENT', 'nanoseconds')] as const;
const GET_WALLCLOCK = [11, call('GET_WALLCLOCK')] as const;
const NOTIFY = [17, call('NOTIFY', 'address')] as const;
const LOAD_GDT_ENTRY = [18, call('LOAD_GDT_ENTRY', 'entry', 'low', 'high')] as const;
/** Since 2.6.25 the guest says whether it wants to be started again. */
const SHUTDOWN = [2, call('SHUTDOWN', 'message', 'reason')] as const;
/** From 2.6.31 on. */
const LATER: readonly (readonly [number, LguestCall])[] = [
  SHUTDOWN,
  SET_CLOCKEVENT,
  [13, call('SET_PMD', 'pmd', 'index')],
  [14, call('SET_PTE', 'pgdir', 'address', 'pte', 'pte_high')],
  [15, call('SET_PGD', 'pgdir', 'index')],
  [16, call('LOAD_TLS', 'table', 'cpu')],
  LOAD_GDT_ENTRY,
  [19, call('SEND_INTERRUPTS')],
];

const OLD_CALL = { instruction: 'int 0x1f', registers: ['edx', 'ebx', 'ecx'], startsLinear: false } as const;
/** `struct hcall_ring { eax, edx, ebx, ecx }`. */
const FIRST_RING = { ...OLD_CALL, ringOrder: [0, 1, 2, 3] } as const;
const NEW_CALL = {
  instruction: 'int 0x1f',
  registers: ['ebx', 'ecx', 'edx', 'esi'],
  startsLinear: false,
  ringOrder: [0, 1, 2, 3, 4],
} as const;

const FIRST_DATA = { irq_enabled: 0, blocked_interrupts: 4, cr2: 8 } as const;
const DATA_2_6_24: LguestDataLayout = {
  ...FIRST_DATA,
  ...{ time: 0xc, hcall_status: 0x14, hcalls: 0x54, reserve_mem: 0x454, tsc_khz: 0x458, pgdir: 0x45c },
  ...{ noirq_start: 0x460, noirq_end: 0x464, kernel_address: 0x468, syscall_vec: 0x46c, size: 0x470 },
};
const DATA_SINCE_2_6_31 = {
  ...FIRST_DATA,
  ...{ time: 0xc, irq_pending: 0x14, hcall_status: 0x18, hcalls: 0x58, reserve_mem: 0x558, tsc_khz: 0x55c },
} as const;
const DATA_2_6_32: LguestDataLayout = {
  ...DATA_SINCE_2_6_31,
  ...{ pgdir: 0x560, noirq_start: 0x564, noirq_end: 0x568, kernel_address: 0x56c, syscall_vec: 0x570, size: 0x574 },
};

export const LGUEST_INTERFACES: Readonly<Record<LguestRevision, LguestInterface>> = {
  '2.6.23-rc1': {
    revision: '2.6.23-rc1',
    ...FIRST_RING,
    calls: new Map([...COMMON, ...FIRST, [9, call('TIMER_READ')], GET_WALLCLOCK, ...DMA]),
    data: {
      ...FIRST_DATA,
      ...{ hcall_status: 0xc, hcalls: 0x4c, reserve_mem: 0x44c, guestid: 0x450 },
      ...{ noirq_start: 0x454, noirq_end: 0x458, size: 0x45c },
    },
  },
  '2.6.23-rc': {
    revision: '2.6.23-rc',
    ...FIRST_RING,
    calls: new Map([...COMMON, ...FIRST, SET_CLOCKEVENT, GET_WALLCLOCK, ...DMA]),
    data: {
      ...FIRST_DATA,
      ...{ hcall_status: 0xc, hcalls: 0x4c, reserve_mem: 0x44c, guestid: 0x450, tsc_khz: 0x454 },
      ...{ noirq_start: 0x458, noirq_end: 0x45c, size: 0x460 },
    },
  },
  '2.6.23': {
    revision: '2.6.23',
    ...FIRST_RING,
    calls: new Map([...COMMON, ...FIRST, SET_CLOCKEVENT, ...DMA]),
    data: {
      ...FIRST_DATA,
      ...{ time: 0xc, hcall_status: 0x14, hcalls: 0x54, reserve_mem: 0x454, guestid: 0x458, tsc_khz: 0x45c },
      ...{ noirq_start: 0x460, noirq_end: 0x464, size: 0x468 },
    },
  },
  '2.6.24': {
    revision: '2.6.24',
    ...OLD_CALL,
    // `struct hcall_args { arg0, arg2, arg3, arg1 }` lies over EAX, EBX, ECX, EDX of the saved registers.
    ringOrder: [0, 2, 3, 1],
    calls: new Map([...COMMON, ...FIRST, SET_CLOCKEVENT, NOTIFY, [2, call('CRASH', 'message', 'reason')]]),
    data: DATA_2_6_24,
  },
  '2.6.30': {
    revision: '2.6.30',
    ...{ instruction: 'vmcall', registers: ['ebx', 'ecx', 'edx'], startsLinear: false, ringOrder: [0, 1, 2, 3] },
    calls: new Map([...COMMON, ...FIRST, SHUTDOWN, SET_CLOCKEVENT, NOTIFY, LOAD_GDT_ENTRY]),
    data: DATA_2_6_24,
  },
  '2.6.32': {
    revision: '2.6.32',
    ...NEW_CALL,
    instruction: 'vmcall',
    calls: new Map([...COMMON, ...LATER, NOTIFY]),
    data: DATA_2_6_32,
  },
  '3.0': { revision: '3.0', ...NEW_CALL, calls: new Map([...COMMON, ...LATER, NOTIFY]), data: DATA_2_6_32 },
  '3.2': {
    revision: '3.2',
    ...NEW_CALL,
    startsLinear: true,
    calls: new Map([...COMMON, ...LATER, NOTIFY]),
    data: {
      ...DATA_SINCE_2_6_31,
      ...{ noirq_start: 0x560, noirq_end: 0x564, kernel_address: 0x568, syscall_vec: 0x56c, size: 0x570 },
    },
  },
  '4.4': {
    revision: '4.4',
    ...NEW_CALL,
    startsLinear: true,
    calls: new Map([...COMMON, ...LATER]),
    data: { ...DATA_SINCE_2_6_31, noirq_start: 0x560, kernel_address: 0x564, syscall_vec: 0x568, size: 0x56c },
  },
};

/**
 * What lies above the memory of an lguest guest in this machine, by offset from its end. The page of device descriptors is the guest's
 * own (the launcher maps it there); the rest stands for memory of the host.
 */
export const LGUEST_ABOVE_MEMORY = {
  devices: 0,
  /** Page directory of a guest that has not asked for one (4.4), and the table of its last, partial 4 MiB. */
  linearDirectory: 0x1000,
  linearTable: 0x2000,
  /** The page directory that the CPU walks. */
  shadowDirectory: 0x3000,
  /** The page table at {@link LGUEST_SWITCHER}: three pages of the switcher. */
  switcherTable: 0x4000,
  switcherPages: 0x5000,
  size: 0x10000,
} as const;
/** Pages of the guest above the end of memory. */
export const LGUEST_DEVICE_PAGES = 1;
