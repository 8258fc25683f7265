import type { KernelImage } from '../boot/kernel-image.ts';
import { SetupHeader } from '../image/setup-header.ts';
import { ElfSymbols } from '../symbols/elf-symbols.ts';
import type { SymbolImage } from '../symbols/image.ts';
import { StartOfDayError } from '../util/errors.ts';
import { elfPhysicalBias } from './physical-bias.ts';
import type { SymbolFile } from './symbols.ts';

const NOTHING: SymbolImage = { bits: 32, sections: [] };
/** The lowest PAGE_OFFSET that a 32-bit kernel can be configured for (VMSPLIT_1G). */
const LOWEST_LINKED = 0x40000000n;

interface Contents {
  readonly image: SymbolImage;
  readonly symbols: ElfSymbols;
  readonly physicalBias: bigint;
  /** Why there is nothing. */
  readonly problem: string | undefined;
}

/**
 * The symbols of the vmlinux inside a bzImage. It is unpacked, which takes seconds, when somebody asks for a name, or for an address at which
 * that kernel can be. The Linux build strips it (arch/x86/boot/compressed/Makefile), so that there are often none.
 */
export class InnerSymbols implements SymbolFile {
  readonly name: string;
  readonly bias = 0n;
  private readonly kernel: KernelImage;
  private contents: Contents | undefined;

  constructor(kernel: KernelImage) {
    this.kernel = kernel;
    this.name = `vmlinux in ${kernel.name}`;
  }

  get opened(): boolean {
    return this.contents !== undefined;
  }
  get image(): SymbolImage {
    return this.open().image;
  }
  get symbols(): ElfSymbols {
    return this.open().symbols;
  }
  get physicalBias(): bigint {
    return this.open().physicalBias;
  }
  /** Why there are no symbols; undefined also while nobody has asked. */
  get problem(): string | undefined {
    return this.contents?.problem;
  }

  /** False where the setup header alone tells that the kernel inside is not at that linear address. */
  mayHold(address: bigint, paging: boolean): boolean {
    if (this.opened) return true;
    const { setup } = this.kernel;
    const start = BigInt(setup instanceof SetupHeader ? (setup.field('pref_address') ?? 0) : 0);
    const size = BigInt(setup instanceof SetupHeader ? (setup.field('init_size') ?? 0) : 0);
    return (address >= start && address < start + size) || (paging && address >= LOWEST_LINKED);
  }

  private open(): Contents {
    return (this.contents ??= this.read());
  }

  private read(): Contents {
    try {
      const inner = this.kernel.inside();
      if (inner instanceof StartOfDayError) throw inner;
      const elf = inner?.image.elf;
      if (elf instanceof StartOfDayError) throw elf;
      if (elf === undefined) return nothing(undefined);
      return { image: elf, symbols: new ElfSymbols(elf), physicalBias: elfPhysicalBias(elf), problem: undefined };
    } catch (error) {
      if (!(error instanceof StartOfDayError)) throw error;
      return nothing(error.detail ?? error.title);
    }
  }
}

function nothing(problem: string | undefined): Contents {
  return { image: NOTHING, symbols: new ElfSymbols(NOTHING), physicalBias: 0n, problem };
}
