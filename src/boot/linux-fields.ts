import { SETUP_FIELDS } from '../image/setup-header.ts';
import type { SetupFieldName, SetupHeader } from '../image/setup-header.ts';
import { count, hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import type { RecognisedField } from './protocol.ts';

type Meaning = string | ((value: number) => string);

const bit = (value: number, number: number): boolean => ((value >>> number) & 1) !== 0;

/** What a loader reads, in file order. */
const MEANINGS: readonly (readonly [name: SetupFieldName, meaning: Meaning])[] = [
  ['setup_sects', 'sectors of real-mode code behind the first'],
  ['boot_flag', 'boot sector'],
  ['header', 'Linux setup header'],
  ['version', (value) => `boot protocol ${value >> 8}.${(value & 0xff).toString().padStart(2, '0')}`],
  ['loadflags', (value) => `protected-mode code ${bit(value, 0) ? 'at 1 MiB (LOADED_HIGH)' : 'at 64 KiB'}`],
  ['code32_start', 'physical address of the 32-bit entry'],
  ['initrd_addr_max', 'highest physical address of the initial RAM disk'],
  ['kernel_alignment', 'physical alignment'],
  ['relocatable_kernel', (value) => (value === 0 ? 'runs at one address only' : 'runs at any aligned address')],
  ['xloadflags', (value) => `64-bit entry (XLF_KERNEL_64): ${bit(value, 0) ? 'yes' : 'no'}`],
  ['cmdline_size', (value) => `longest command line, ${count(value)} bytes`],
  ['hardware_subarch', 'what the loader says the hardware is, 0 for a PC'],
  [
    'payload_offset',
    (value) => (value === 0 ? 'no kernel inside' : 'the kernel inside, from the protected-mode code on'),
  ],
  ['payload_length', 'bytes of the kernel inside'],
  ['pref_address', 'preferred physical address'],
  ['init_size', 'bytes of memory needed from there on'],
];
const DECIMAL: ReadonlySet<SetupFieldName> = new Set(['setup_sects', 'cmdline_size']);
const DIGITS = { u8: 2, u16: 4, u32: 8, u64: 8 } as const;
/** kernel_version counts from here. */
const VERSION_TEXT_BASE = 0x200;
const VERSION_TEXT_LENGTH = 120;

/** The fields of the setup header that its protocol has and the file holds. */
export function setupFields({ reader }: KernelImage, setup: SetupHeader): readonly RecognisedField[] {
  return MEANINGS.flatMap(([name, meaning]): RecognisedField[] => {
    const { offset, type, since } = SETUP_FIELDS[name];
    if (setup.version < since || !reader.has(offset, DIGITS[type] === 8 ? 8 : 4)) return [];
    const value = setup.field(name) ?? 0;
    const text = name === 'header' ? '"HdrS"' : DECIMAL.has(name) ? value.toString() : hex(value, DIGITS[type]);
    return [
      {
        name,
        offset,
        value: text,
        meaning: typeof meaning === 'string' ? meaning : meaning(value),
        verdict: name === 'header' || name === 'boot_flag' ? 'right' : 'information',
      },
    ];
  });
}

/** The text that kernel_version points to: "6.1.0-50-686-pae (debian-kernel@lists.debian.org) #1 SMP …". */
export function kernelVersionText({ reader }: KernelImage, setup: SetupHeader): string | undefined {
  const pointer = setup.field('kernel_version') ?? 0;
  const offset = pointer + VERSION_TEXT_BASE;
  if (pointer === 0 || offset >= setup.codeOffset || !reader.has(offset, 1)) return undefined;
  const text = reader.cString(offset, VERSION_TEXT_LENGTH, 'kernel_version');
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined;
}
