/** What a field of start_info holds: decides how a view says it. */
export type StartInfoKind =
  | 'magic'
  | 'pages'
  | 'machine address'
  | 'flags'
  | 'machine frame'
  | 'port'
  | 'linear address'
  | 'count'
  | 'module'
  | 'bytes'
  | 'text'
  | 'frame';

/** start_info of an i386 guest (xen/include/public/xen.h), bytes from its start: the one description that writes it and reads it. */
export const START_INFO_FIELDS = [
  { name: 'magic', offset: 0, size: 32, kind: 'magic' },
  { name: 'nr_pages', offset: 32, size: 4, kind: 'pages' },
  { name: 'shared_info', offset: 36, size: 4, kind: 'machine address' },
  { name: 'flags', offset: 40, size: 4, kind: 'flags' },
  { name: 'store_mfn', offset: 44, size: 4, kind: 'machine frame' },
  { name: 'store_evtchn', offset: 48, size: 4, kind: 'port' },
  { name: 'console.domU.mfn', offset: 52, size: 4, kind: 'machine frame' },
  { name: 'console.domU.evtchn', offset: 56, size: 4, kind: 'port' },
  { name: 'pt_base', offset: 60, size: 4, kind: 'linear address' },
  { name: 'nr_pt_frames', offset: 64, size: 4, kind: 'count' },
  { name: 'mfn_list', offset: 68, size: 4, kind: 'linear address' },
  { name: 'mod_start', offset: 72, size: 4, kind: 'module' },
  { name: 'mod_len', offset: 76, size: 4, kind: 'bytes' },
  { name: 'cmd_line', offset: 80, size: 1024, kind: 'text' },
  { name: 'first_p2m_pfn', offset: 1104, size: 4, kind: 'frame' },
  { name: 'nr_p2m_frames', offset: 1108, size: 4, kind: 'count' },
] as const satisfies readonly {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly kind: StartInfoKind;
}[];
export type StartInfoField = (typeof START_INFO_FIELDS)[number];
export type StartInfoName = StartInfoField['name'];

/** Bytes, since Xen 4.0. */
export const START_INFO_SIZE = 1112;
/** Bytes of cmd_line, its zero byte included. */
export const MAX_GUEST_CMDLINE = 1024;

/** `magic` of an i386 guest; Linux wants it to begin with "xen-3". */
export const START_INFO_MAGIC = { pae: 'xen-3.0-x86_32p', nonPae: 'xen-3.0-x86_32' } as const;

/** SIF_*: names of the bits of `flags`, by bit number; bits 8..15 are those of power management. */
export const SIF_NAMES = ['PRIVILEGED', 'INITDOMAIN', 'MULTIBOOT_MOD', 'MOD_START_PFN', 'VIRT_P2M_4TOOLS'] as const;
export const SIF_MOD_START_PFN = 1 << 3;
