import { SETUP_FIELDS } from '../image/setup-header.ts';
import type { SetupFieldName } from '../image/setup-header.ts';

/** How a view says the value of a field. */
export type ParamKind = 'count' | 'hexadecimal' | 'kibibytes' | 'size' | 'address' | 'string' | 'bytes';

export interface ParamField {
  readonly name: string;
  /** Bytes from the start of boot_params. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  readonly kind: ParamKind;
  /** What it is, for people. */
  readonly note: string;
  /** Names of values. */
  readonly values?: Readonly<Record<number, string>>;
  /** Names of bits, by number. */
  readonly bits?: Readonly<Record<number, string>>;
  /** First version of the boot protocol that has it. */
  readonly since?: number;
}

export interface ParamGroup {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly note: string;
  readonly fields: readonly ParamField[];
}

type Row = readonly [name: string, offset: number, size: number, kind: ParamKind, note: string];

const fields = (rows: readonly Row[]): readonly ParamField[] =>
  rows.map(([name, offset, size, kind, note]) => ({ name, offset, size, kind, note }));

const VIDEO_TYPES: Readonly<Record<number, string>> = {
  0: 'no VGA',
  1: 'VGA',
  0x10: 'MDA',
  0x11: 'CGA',
  0x20: 'EGA mono',
  0x21: 'EGA colour',
  0x22: 'VGA colour',
  0x23: 'VESA frame buffer',
  0x70: 'EFI frame buffer',
};

/** linux/screen_info.h */
const SCREEN: readonly ParamField[] = [
  ...fields([
    ['orig_x', 0x00, 1, 'count', 'column of the cursor'],
    ['orig_y', 0x01, 1, 'count', 'line of the cursor'],
    ['ext_mem_k', 0x02, 2, 'kibibytes', 'memory above 1 MiB, by INT 15h AH=88h'],
    ['orig_video_page', 0x04, 2, 'count', 'page of text memory'],
    ['orig_video_mode', 0x06, 1, 'hexadecimal', 'BIOS video mode'],
    ['orig_video_cols', 0x07, 1, 'count', 'columns of text'],
    ['flags', 0x08, 1, 'hexadecimal', 'bit 0: no cursor is set'],
    ['orig_video_ega_bx', 0x0a, 2, 'hexadecimal', 'BX of INT 10h AH=12h: 0x10 in BL means no EGA'],
    ['orig_video_lines', 0x0e, 1, 'count', 'lines of text'],
  ]),
  { name: 'orig_video_isVGA', offset: 0x0f, size: 1, kind: 'hexadecimal', note: 'adapter', values: VIDEO_TYPES },
  ...fields([
    ['orig_video_points', 0x10, 2, 'count', 'lines of a character'],
    ['lfb_width', 0x12, 2, 'count', 'pixels of a line'],
    ['lfb_height', 0x14, 2, 'count', 'lines of pixels'],
    ['lfb_depth', 0x16, 2, 'count', 'bits of a pixel'],
    ['lfb_base', 0x18, 4, 'address', 'frame buffer'],
    ['lfb_size', 0x1c, 4, 'hexadecimal', 'frame buffer in units of 64 KiB'],
    ['cl_magic', 0x20, 2, 'hexadecimal', 'before protocol 2.02: 0xa33f announces a command line'],
    ['cl_offset', 0x22, 2, 'hexadecimal', 'before protocol 2.02: the command line, from boot_params on'],
    ['lfb_linelength', 0x24, 2, 'count', 'bytes of a line'],
    ['red_size', 0x26, 1, 'count', 'bits of red'],
    ['red_pos', 0x27, 1, 'count', 'lowest bit of red'],
    ['green_size', 0x28, 1, 'count', 'bits of green'],
    ['green_pos', 0x29, 1, 'count', 'lowest bit of green'],
    ['blue_size', 0x2a, 1, 'count', 'bits of blue'],
    ['blue_pos', 0x2b, 1, 'count', 'lowest bit of blue'],
    ['rsvd_size', 0x2c, 1, 'count', 'bits without a colour'],
    ['rsvd_pos', 0x2d, 1, 'count', 'lowest bit without a colour'],
    ['vesapm_seg', 0x2e, 2, 'hexadecimal', 'segment of the VESA protected-mode interface'],
    ['vesapm_off', 0x30, 2, 'hexadecimal', 'offset of the VESA protected-mode interface'],
    ['pages', 0x32, 2, 'count', 'pages of the VESA mode'],
    ['vesa_attributes', 0x34, 2, 'hexadecimal', 'attributes of the VESA mode'],
    ['capabilities', 0x36, 4, 'hexadecimal', 'bit 1: the frame buffer has a 64-bit address'],
    ['ext_lfb_base', 0x3a, 4, 'hexadecimal', 'upper half of lfb_base'],
  ]),
];

const APM = fields([
  ['version', 0x40, 2, 'hexadecimal', 'of the APM BIOS, 0 for none'],
  ['cseg', 0x42, 2, 'hexadecimal', '32-bit code segment'],
  ['offset', 0x44, 4, 'hexadecimal', '32-bit entry'],
  ['cseg_16', 0x48, 2, 'hexadecimal', '16-bit code segment'],
  ['dseg', 0x4a, 2, 'hexadecimal', 'data segment'],
  ['flags', 0x4c, 2, 'hexadecimal', 'what the APM BIOS can do'],
  ['cseg_len', 0x4e, 2, 'size', '32-bit code segment'],
  ['cseg_16_len', 0x50, 2, 'size', '16-bit code segment'],
  ['dseg_len', 0x52, 2, 'size', 'data segment'],
]);

const IST = fields([
  ['signature', 0x60, 4, 'hexadecimal', 'of the Intel SpeedStep BIOS, 0 for none'],
  ['command', 0x64, 4, 'hexadecimal', 'port and value of a command'],
  ['event', 0x68, 4, 'hexadecimal', 'port and value of an event'],
  ['perf_level', 0x6c, 4, 'hexadecimal', 'performance levels'],
]);

const OLPC = fields([
  ['ofw_magic', 0xb0, 4, 'hexadecimal', 'of OLPC Open Firmware, 0 for none'],
  ['ofw_version', 0xb4, 4, 'hexadecimal', 'its version'],
  ['cif_handler', 0xb8, 4, 'address', 'its client interface'],
  ['irq_desc_table', 0xbc, 4, 'address', 'its interrupt table'],
]);

const EFI = fields([
  ['efi_loader_signature', 0x1c0, 4, 'hexadecimal', '"EL32" or "EL64", 0 without EFI'],
  ['efi_systab', 0x1c4, 4, 'address', 'system table'],
  ['efi_memdesc_size', 0x1c8, 4, 'size', 'a memory descriptor'],
  ['efi_memdesc_version', 0x1cc, 4, 'count', 'version of the memory descriptors'],
  ['efi_memmap', 0x1d0, 4, 'address', 'memory map'],
  ['efi_memmap_size', 0x1d4, 4, 'size', 'memory map'],
  ['efi_systab_hi', 0x1d8, 4, 'hexadecimal', 'upper half of efi_systab'],
  ['efi_memmap_hi', 0x1dc, 4, 'hexadecimal', 'upper half of efi_memmap'],
]);

const LOADERS: Readonly<Record<number, string>> = {
  0: 'LILO',
  1: 'Loadlin',
  2: 'bootsect-loader',
  3: 'Syslinux',
  4: 'Etherboot, gPXE, iPXE',
  5: 'ELILO',
  7: 'GRUB',
  8: 'U-Boot',
  9: 'Xen',
  10: 'Gujin',
  11: 'QEMU',
  12: 'uCbootloader',
  13: 'kexec-tools',
};
/** type_of_loader by its upper half; the lower is a version. */
const LOADER_VALUES: Readonly<Record<number, string>> = {
  ...Object.fromEntries(
    Object.entries(LOADERS).flatMap(([id, name]) =>
      Array.from({ length: 16 }, (_, version) => [Number(id) * 16 + version, name]),
    ),
  ),
  0xff: 'a loader without a number',
};

type SetupMeaning = readonly [kind: ParamKind, note: string, more?: Pick<ParamField, 'values' | 'bits'>];

/** boot.rst, "Details of Header Fields". */
const SETUP_MEANINGS: Readonly<Record<SetupFieldName, SetupMeaning>> = {
  setup_sects: ['count', 'sectors of real-mode code behind the first'],
  root_flags: ['hexadecimal', 'not 0: the root is mounted read-only'],
  syssize: ['hexadecimal', 'protected-mode code in units of 16 bytes'],
  ram_size: ['hexadecimal', 'obsolete'],
  vid_mode: ['hexadecimal', 'video mode', { values: { 0xffff: 'normal', 0xfffe: 'ext', 0xfffd: 'ask' } }],
  root_dev: ['hexadecimal', 'default root device'],
  boot_flag: ['hexadecimal', '0xaa55'],
  jump: ['hexadecimal', 'short jump over the header: 0xeb and the distance'],
  header: ['hexadecimal', '"HdrS"'],
  version: ['hexadecimal', 'boot protocol, major and minor in a byte each'],
  realmode_swtch: ['hexadecimal', 'hook before protected mode, segment and offset'],
  start_sys_seg: ['hexadecimal', 'obsolete'],
  kernel_version: ['hexadecimal', 'text of the version in the file, less 0x200'],
  type_of_loader: ['hexadecimal', 'boot loader', { values: LOADER_VALUES }],
  loadflags: [
    'hexadecimal',
    'flags of loader and kernel',
    { bits: { 0: 'LOADED_HIGH', 1: 'KASLR_FLAG', 5: 'QUIET_FLAG', 6: 'KEEP_SEGMENTS', 7: 'CAN_USE_HEAP' } },
  ],
  setup_move_size: ['size', 'what 2.00 and 2.01 move with the real-mode code'],
  code32_start: ['address', '32-bit entry'],
  ramdisk_image: ['address', 'initial RAM disk'],
  ramdisk_size: ['size', 'initial RAM disk'],
  bootsect_kludge: ['hexadecimal', 'obsolete'],
  heap_end_ptr: ['hexadecimal', 'end of the setup heap, less 0x200'],
  ext_loader_ver: ['hexadecimal', 'more of the version of the loader'],
  ext_loader_type: ['hexadecimal', 'loader where type_of_loader is 0xEx, less 0x10'],
  cmd_line_ptr: ['string', 'command line'],
  initrd_addr_max: ['hexadecimal', 'highest address of the initial RAM disk'],
  kernel_alignment: ['hexadecimal', 'alignment of the kernel'],
  relocatable_kernel: ['count', 'not 0: runs at any aligned address'],
  min_alignment: ['count', 'least alignment, as a power of two'],
  xloadflags: [
    'hexadecimal',
    'flags of the kernel',
    {
      bits: {
        0: 'XLF_KERNEL_64',
        1: 'XLF_CAN_BE_LOADED_ABOVE_4G',
        2: 'XLF_EFI_HANDOVER_32',
        3: 'XLF_EFI_HANDOVER_64',
        4: 'XLF_EFI_KEXEC',
        5: 'XLF_5LEVEL',
        6: 'XLF_5LEVEL_ENABLED',
        7: 'XLF_MEM_ENCRYPTION',
      },
    },
  ],
  cmdline_size: ['count', 'longest command line, without its end'],
  hardware_subarch: [
    'count',
    'hardware',
    { values: { 0: 'PC', 1: 'lguest', 2: 'Xen', 3: 'Moorestown MID', 4: 'CE4100' } },
  ],
  hardware_subarch_data: ['hexadecimal', 'for that hardware'],
  payload_offset: ['hexadecimal', 'the kernel inside, from the protected-mode code on'],
  payload_length: ['size', 'the kernel inside'],
  setup_data: ['address', 'list of struct setup_data'],
  pref_address: ['hexadecimal', 'preferred physical address'],
  init_size: ['size', 'memory needed from the start address on'],
  handover_offset: ['hexadecimal', 'EFI handover entry, from the protected-mode code on'],
  kernel_info_offset: ['hexadecimal', 'kernel_info, from the protected-mode code on'],
};

const SIZES = { u8: 1, u16: 2, u32: 4, u64: 8 } as const;

const SETUP: readonly ParamField[] = (
  Object.entries(SETUP_FIELDS) as [SetupFieldName, (typeof SETUP_FIELDS)[SetupFieldName]][]
).map(([name, { offset, type, since }]): ParamField => {
  const [kind, note, more] = SETUP_MEANINGS[name];
  return { name, offset, size: SIZES[type], kind, note, since, ...more };
});

const group = (name: string, offset: number, size: number, note: string, of: readonly ParamField[]): ParamGroup => ({
  name,
  offset,
  size,
  note,
  fields: of,
});

/** The setup header, in a kernel's setup code as in boot_params. */
export const SETUP_HEADER_GROUP = group('hdr', 0x1f1, 0x7b, 'the setup header', SETUP);

/** `struct boot_params` (Linux Documentation/arch/x86/zero-page.rst, asm/bootparam.h) in the order of its offsets, but for its lists. */
export const BOOT_PARAMS: readonly (ParamField | ParamGroup)[] = [
  group('screen_info', 0x000, 0x40, 'text mode or frame buffer', SCREEN),
  group('apm_bios_info', 0x040, 0x14, 'APM BIOS', APM),
  ...fields([['tboot_addr', 0x058, 8, 'address', 'shared page of tboot']]),
  group('ist_info', 0x060, 0x10, 'Intel SpeedStep BIOS', IST),
  ...fields([
    ['acpi_rsdp_addr', 0x070, 8, 'address', 'ACPI root pointer'],
    ['hd0_info', 0x080, 16, 'bytes', 'obsolete'],
    ['hd1_info', 0x090, 16, 'bytes', 'obsolete'],
    ['sys_desc_table', 0x0a0, 16, 'bytes', 'obsolete'],
  ]),
  group('olpc_ofw_header', 0x0b0, 0x10, 'OLPC Open Firmware', OLPC),
  ...fields([
    ['ext_ramdisk_image', 0x0c0, 4, 'hexadecimal', 'upper half of ramdisk_image'],
    ['ext_ramdisk_size', 0x0c4, 4, 'hexadecimal', 'upper half of ramdisk_size'],
    ['ext_cmd_line_ptr', 0x0c8, 4, 'hexadecimal', 'upper half of cmd_line_ptr'],
    ['cc_blob_address', 0x13c, 4, 'address', 'confidential computing blob'],
    ['edid_info', 0x140, 0x80, 'bytes', 'EDID of the display'],
  ]),
  group('efi_info', 0x1c0, 0x20, 'EFI', EFI),
  ...fields([
    ['alt_mem_k', 0x1e0, 4, 'kibibytes', 'memory above 1 MiB'],
    ['scratch', 0x1e4, 4, 'hexadecimal', 'for the setup code'],
    ['e820_entries', 0x1e8, 1, 'count', 'entries of e820_table'],
    ['eddbuf_entries', 0x1e9, 1, 'count', 'entries of eddbuf'],
    ['edd_mbr_sig_buf_entries', 0x1ea, 1, 'count', 'entries of edd_mbr_sig_buffer'],
    ['kbd_status', 0x1eb, 1, 'hexadecimal', 'Num Lock'],
    ['secure_boot', 0x1ec, 1, 'count', 'secure boot'],
    ['sentinel', 0x1ef, 1, 'hexadecimal', 'not 0: the loader copied too much of the file'],
  ]),
  SETUP_HEADER_GROUP,
  ...fields([['edd_mbr_sig_buffer', 0x290, 64, 'bytes', 'signatures of disks']]),
];

/** The lists at the end of boot_params. */
export const E820_TABLE = { name: 'e820_table', offset: 0x2d0, size: 0xa00 } as const;
export const EDD_BUFFER: ParamField = { name: 'eddbuf', offset: 0xd00, size: 0x1ec, kind: 'bytes', note: 'BIOS disks' };
