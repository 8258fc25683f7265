import type { ByteReader, FieldType } from '../util/bytes.ts';
import { hex } from '../util/hex.ts';

interface SetupField {
  /** In the file, and in boot_params. */
  readonly offset: number;
  readonly type: FieldType;
  /** First version of the boot protocol that has it, 0x20c for 2.12; 0 for all. */
  readonly since: number;
}

const field = (offset: number, type: FieldType, since: number): SetupField => ({ offset, type, since });

/** The setup header of a Linux kernel (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). */
export const SETUP_FIELDS = {
  setup_sects: field(0x1f1, 'u8', 0),
  root_flags: field(0x1f2, 'u16', 0),
  syssize: field(0x1f4, 'u32', 0x204),
  ram_size: field(0x1f8, 'u16', 0),
  vid_mode: field(0x1fa, 'u16', 0),
  root_dev: field(0x1fc, 'u16', 0),
  boot_flag: field(0x1fe, 'u16', 0),
  jump: field(0x200, 'u16', 0x200),
  header: field(0x202, 'u32', 0x200),
  version: field(0x206, 'u16', 0x200),
  realmode_swtch: field(0x208, 'u32', 0x200),
  start_sys_seg: field(0x20c, 'u16', 0x200),
  kernel_version: field(0x20e, 'u16', 0x200),
  type_of_loader: field(0x210, 'u8', 0x200),
  loadflags: field(0x211, 'u8', 0x200),
  setup_move_size: field(0x212, 'u16', 0x200),
  code32_start: field(0x214, 'u32', 0x200),
  ramdisk_image: field(0x218, 'u32', 0x200),
  ramdisk_size: field(0x21c, 'u32', 0x200),
  bootsect_kludge: field(0x220, 'u32', 0x200),
  heap_end_ptr: field(0x224, 'u16', 0x201),
  ext_loader_ver: field(0x226, 'u8', 0x202),
  ext_loader_type: field(0x227, 'u8', 0x202),
  cmd_line_ptr: field(0x228, 'u32', 0x202),
  initrd_addr_max: field(0x22c, 'u32', 0x203),
  kernel_alignment: field(0x230, 'u32', 0x205),
  relocatable_kernel: field(0x234, 'u8', 0x205),
  min_alignment: field(0x235, 'u8', 0x20a),
  xloadflags: field(0x236, 'u16', 0x20c),
  cmdline_size: field(0x238, 'u32', 0x206),
  hardware_subarch: field(0x23c, 'u32', 0x207),
  hardware_subarch_data: field(0x240, 'u64', 0x207),
  payload_offset: field(0x248, 'u32', 0x208),
  payload_length: field(0x24c, 'u32', 0x208),
  setup_data: field(0x250, 'u64', 0x209),
  pref_address: field(0x258, 'u64', 0x20a),
  init_size: field(0x260, 'u32', 0x20a),
  handover_offset: field(0x264, 'u32', 0x20b),
  kernel_info_offset: field(0x268, 'u32', 0x20f),
} as const satisfies Readonly<Record<string, SetupField>>;

export type SetupFieldName = keyof typeof SETUP_FIELDS;

/** "HdrS" */
export const HEADER_MAGIC = 0x53726448;
export const BOOT_FLAG = 0xaa55;
/** Where the setup header begins, in the file and in boot_params. */
export const SETUP_HEADER = SETUP_FIELDS.setup_sects.offset;
/** The jump at 0x200 counts from here. */
const JUMP_BASE = 0x202;
/** The displacement of a short jump forward: boot.rst, "setup_header is permanently limited to 144 bytes". */
const LONGEST_JUMP = 0x7f;
const SECTOR = 512;
/** Setup sectors where the field is 0. */
const DEFAULT_SETUP_SECTORS = 4;

/** What a kernel file says to its boot loader. */
export class SetupHeader {
  /** Of the boot protocol: 0x020c for 2.12. */
  readonly version: number;
  private readonly reader: ByteReader;

  /** The file must have a header that {@link findSetupHeader} found. */
  constructor(reader: ByteReader) {
    this.reader = reader;
    this.version = reader.u16(SETUP_FIELDS.version.offset, 'version');
  }

  /** "2.12" */
  get versionText(): string {
    return protocolVersion(this.version);
  }

  /** A field; undefined when the file's protocol does not have it yet. Throws `truncated` when the file ends in it. */
  field(name: SetupFieldName): number | undefined {
    const { offset, type, since } = SETUP_FIELDS[name];
    return this.version < since ? undefined : Number(this.reader[type](offset, name));
  }

  /** File offset of the protected-mode code. */
  get codeOffset(): number {
    const sectors = this.field('setup_sects') ?? 0;
    return ((sectors === 0 ? DEFAULT_SETUP_SECTORS : sectors) + 1) * SECTOR;
  }

  /** File offset behind the header. */
  get end(): number {
    return JUMP_BASE + this.reader.u8(JUMP_BASE - 1, 'jump');
  }

  /** The header as it stands in the file; undefined where {@link end} is nothing that a short jump reaches. */
  get bytes(): Uint8Array | undefined {
    if (this.end > JUMP_BASE + LONGEST_JUMP) return undefined;
    return this.reader.slice(SETUP_HEADER, this.end - SETUP_HEADER, 'the setup header');
  }
}

/** The setup header of a file, or the first thing that is missing, in words. */
export function findSetupHeader(reader: ByteReader): SetupHeader | string {
  const { header, boot_flag, heap_end_ptr } = SETUP_FIELDS;
  if (!reader.has(0, heap_end_ptr.offset))
    return `The file has ${reader.length} bytes; a setup header reaches to file offset ${hex(heap_end_ptr.offset)}`;
  if (reader.u32(header.offset, 'header') !== HEADER_MAGIC) return 'No "HdrS" at file offset 0x202';
  const flag = reader.u16(boot_flag.offset, 'boot_flag');
  if (flag !== BOOT_FLAG) return `boot_flag at file offset 0x1fe is ${hex(flag, 4)}, must be ${hex(BOOT_FLAG, 4)}`;
  return new SetupHeader(reader);
}

/** `2.12` for 0x020c. */
export function protocolVersion(version: number): string {
  return `${version >> 8}.${(version & 0xff).toString().padStart(2, '0')}`;
}
