import { SetupHeader } from '../image/setup-header.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { planLinux16 } from './linux-16.ts';
import { planLinux32 } from './linux-32.ts';
import { kernelVersionText, setupFields } from './linux-fields.ts';
import { findBanner, placeLinux } from './linux-kernel.ts';
import type { EntryName, Recognition } from './protocol.ts';

/** Since this version the header has xloadflags. */
const VERSION_XLOADFLAGS = 0x20c;
const XLF_KERNEL_64 = 1;
const MEND = 'Give the bzImage that the Linux build leaves in arch/x86/boot.';
const NO_LONG_MODE = 'the machine has no long mode';

function is64(setup: SetupHeader): boolean {
  return ((setup.field('xloadflags') ?? 0) & XLF_KERNEL_64) !== 0;
}

function why64(setup: SetupHeader): string {
  if (setup.version < VERSION_XLOADFLAGS)
    return `Boot protocol ${setup.versionText} at file offset 0x206 has no 64-bit entry; it came with 2.12`;
  const flags = setup.field('xloadflags') ?? 0;
  return `xloadflags at file offset 0x236 is ${hex(flags, 4)}: bit 0 (XLF_KERNEL_64) is ${is64(setup) ? 1 : 0}`;
}

/** A bzImage, by its setup header. */
function bzImage(entry: EntryName, label: string, image: KernelImage, setup: SetupHeader): Recognition {
  try {
    const version = kernelVersionText(image, setup);
    return {
      entry,
      label,
      offered: true,
      evidence: 'a Linux setup header at file offset 0x1f1',
      summary: `"HdrS" at file offset 0x202, boot protocol ${setup.versionText}${version === undefined ? '' : `, Linux ${version}`}`,
      fields: setupFields(image, setup),
    };
  } catch (error) {
    return damaged(entry, label, error);
  }
}

/** A vmlinux, by what it prints first: nothing else tells it from any other ELF file. */
function vmlinux(entry: EntryName, label: string, image: KernelImage, bits: 32 | 64): Recognition | undefined {
  const banner = findBanner(image);
  if (banner === undefined || image.elf instanceof StartOfDayError || image.elf.bits !== bits) return undefined;
  const where = `"${banner.text}" at file offset ${hex(banner.offset)}`;
  return {
    entry,
    label,
    offered: true,
    evidence: `the text ${where}`,
    summary: `${bits}-bit ELF file with the text ${where}`,
    fields: [
      {
        name: 'linux_banner',
        offset: banner.offset,
        value: `"${banner.text}"`,
        meaning: 'a vmlinux',
        verdict: 'right',
      },
    ],
  };
}

function notLinux(entry: EntryName, label: string, summary: string, mend = MEND): Recognition {
  return { entry, label, offered: false, summary, mend, fields: [] };
}

function damaged(entry: EntryName, label: string, error: unknown): Recognition {
  if (!(error instanceof StartOfDayError)) throw error;
  const { code, blame, title, detail, mend } = error;
  return { ...notLinux(entry, label, detail ?? title, mend), problem: { code, blame, title, detail, mend } };
}

const LINUX16 = { entry: 'linux16', label: 'Linux, 16-bit entry' } as const;
/** By the real-mode code of a bzImage. */
export const linux16: EntryProtocol = {
  ...LINUX16,
  takesInitrd: true,
  recognise: (image) => {
    const { entry, label } = LINUX16;
    return image.setup instanceof SetupHeader
      ? bzImage(entry, label, image, image.setup)
      : notLinux(entry, label, image.setup);
  },
  plan: planLinux16,
};

const LINUX32 = { entry: 'linux32', label: 'Linux, 32-bit entry' } as const;
/** By the protected-mode code of a bzImage, or by a vmlinux. */
export const linux32: EntryProtocol = {
  ...LINUX32,
  takesInitrd: true,
  recognise: (image) => {
    const { entry, label } = LINUX32;
    if (!(image.setup instanceof SetupHeader))
      return vmlinux(entry, label, image, 32) ?? notLinux(entry, label, noVmlinux(image, image.setup));
    try {
      placeLinux(image);
    } catch (error) {
      return damaged(entry, label, error);
    }
    return bzImage(entry, label, image, image.setup);
  },
  blocked: ({ setup }) => (setup instanceof SetupHeader && is64(setup) ? NO_LONG_MODE : undefined),
  plan: planLinux32,
};

const LINUX64 = { entry: 'linux64', label: 'Linux, 64-bit entry' } as const;
/** Recognised and explained; entering it needs long mode. */
export const linux64: EntryProtocol = {
  ...LINUX64,
  recognise: (image) => {
    const { entry, label } = LINUX64;
    const { setup } = image;
    if (!(setup instanceof SetupHeader))
      return vmlinux(entry, label, image, 64) ?? notLinux(entry, label, noVmlinux(image, setup));
    const found = bzImage(entry, label, image, setup);
    if (!found.offered) return found;
    const summary = why64(setup);
    return is64(setup)
      ? { ...found, summary: `${found.summary}; ${summary}` }
      : {
          ...notLinux(entry, label, summary, 'Build the kernel with CONFIG_64BIT.'),
          fields: found.fields.filter(({ name }) => name === 'version' || name === 'xloadflags'),
        };
  },
  blocked: () => NO_LONG_MODE,
};

/** Why a file is neither a bzImage nor a vmlinux. */
function noVmlinux({ elf }: KernelImage, missing: string): string {
  return elf instanceof StartOfDayError
    ? missing
    : `${missing}, and no vmlinux: no text "Linux version " with an entry at a physical address`;
}
