import type { ByteReader } from '../util/bytes.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import { planLinux16 } from './linux-16.ts';
import { planLinux32 } from './linux-32.ts';
import type { EntryName, RecognisedField } from './protocol.ts';

/** Fields of the setup header (Linux Documentation/arch/x86/boot.rst), by file offset. */
const LAYOUT = {
  setup_sects: [0x1f1, 'u8'],
  boot_flag: [0x1fe, 'u16'],
  header: [0x202, 'u32'],
  version: [0x206, 'u16'],
} as const;
const XLOADFLAGS = 0x236;
const BOOT_FLAG = 0xaa55;
/** "HdrS" */
const HEADER_MAGIC = 0x53726448;
/** Since this version the header has xloadflags. */
const VERSION_XLOADFLAGS = 0x20c;
const XLF_KERNEL_64 = 1;

/** What a bzImage says of itself, or what it lacks. */
type SetupHeader =
  | {
      readonly found: true;
      readonly version: string;
      readonly long: boolean;
      readonly fields: readonly RecognisedField[];
      readonly why64: string;
    }
  | { readonly found: false; readonly missing: string };

function readSetupHeader(reader: ByteReader): SetupHeader {
  if (!reader.has(0, XLOADFLAGS + 2))
    return {
      found: false,
      missing: `The file has ${reader.length} bytes; a setup header reaches to file offset ${hex(XLOADFLAGS + 2)}`,
    };
  const { setup_sects, boot_flag, header, version } = reader.fields(LAYOUT, 0, 'the setup header');
  if (header !== HEADER_MAGIC) return { found: false, missing: 'No "HdrS" at file offset 0x202' };
  if (boot_flag !== BOOT_FLAG)
    return {
      found: false,
      missing: `boot_flag at file offset 0x1fe is ${hex(boot_flag, 4)}, must be ${hex(BOOT_FLAG, 4)}`,
    };
  const versionText = `${version >> 8}.${(version & 0xff).toString().padStart(2, '0')}`;
  const xloadflags = version < VERSION_XLOADFLAGS ? 0 : reader.u16(XLOADFLAGS, 'xloadflags');
  const long = (xloadflags & XLF_KERNEL_64) !== 0;
  return {
    found: true,
    version: versionText,
    long,
    why64:
      version < VERSION_XLOADFLAGS
        ? `Boot protocol ${versionText} at file offset 0x206 has no 64-bit entry; it came with 2.12`
        : `xloadflags at file offset 0x236 is ${hex(xloadflags, 4)}: bit 0 (XLF_KERNEL_64) is ${long ? 1 : 0}`,
    fields: [
      {
        name: 'setup_sects',
        offset: 0x1f1,
        value: setup_sects.toString(),
        meaning: 'sectors of real-mode code behind the first',
        verdict: 'information',
      },
      { name: 'boot_flag', offset: 0x1fe, value: hex(boot_flag, 4), meaning: 'boot sector', verdict: 'right' },
      { name: 'header', offset: 0x202, value: '"HdrS"', meaning: 'Linux setup header', verdict: 'right' },
      {
        name: 'version',
        offset: 0x206,
        value: hex(version, 4),
        meaning: `boot protocol ${versionText}`,
        verdict: 'information',
      },
    ],
  };
}

function linuxEntry(entry: EntryName, label: string, needsLong: boolean): EntryProtocol {
  return {
    entry,
    label,
    recognise: ({ reader }) => {
      const setup = readSetupHeader(reader);
      if (!setup.found) {
        const mend = 'Give the bzImage that the Linux build leaves in arch/x86/boot.';
        return { entry, label, offered: false, summary: setup.missing, mend, fields: [] };
      }
      const { fields, version } = setup;
      if (needsLong && !setup.long)
        return {
          entry,
          label,
          offered: false,
          summary: setup.why64,
          mend: 'Build the kernel with CONFIG_64BIT.',
          fields,
        };
      return {
        entry,
        label,
        offered: true,
        evidence: 'a Linux setup header at file offset 0x1f1',
        summary: `"HdrS" at file offset 0x202, boot protocol ${version}${needsLong ? `; ${setup.why64}` : ''}`,
        fields,
      };
    },
  };
}

export const linux16: EntryProtocol = {
  ...linuxEntry('linux16', 'Linux, 16-bit entry', false),
  takesInitrd: true,
  plan: planLinux16,
};
export const linux32: EntryProtocol = {
  ...linuxEntry('linux32', 'Linux, 32-bit entry', false),
  takesInitrd: true,
  plan: planLinux32,
};
export const linux64 = linuxEntry('linux64', 'Linux, 64-bit entry', true);
