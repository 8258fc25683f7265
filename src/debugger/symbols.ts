import type { SymbolImage } from '../symbols/image.ts';
import type { ElfSymbols } from '../symbols/elf-symbols.ts';
import { hex } from '../util/hex.ts';

/** The symbols of one file, moved by a bias. */
export interface SymbolFile {
  /** Name of the file, without its folder. */
  readonly name: string;
  /** Its sections, none for a file that is no ELF. */
  readonly image: SymbolImage;
  readonly symbols: ElfSymbols;
  /** Added to every address of the file. */
  readonly bias: bigint;
  /** Linked minus physical address of the file before paging; without it that of the kernel. */
  readonly physicalBias?: bigint;
  /** False for a file that was not opened yet, because that takes long and nobody has asked for anything in it. */
  readonly opened?: boolean;
  /** Why a file that should have symbols has none. */
  readonly problem?: string;
  /** False where it can be told without opening the file that a linear address is none of it. */
  mayHold?(address: bigint, paging: boolean): boolean;
}

/** How many symbols a file has; undefined while it was not opened. */
export function symbolCount(file: SymbolFile): number | undefined {
  return file.opened === false ? undefined : [...file.symbols.names()].length;
}

/** The names of a whole session: several files, and the time before paging when a kernel runs at its physical addresses. */
export class Symbols {
  private readonly files: readonly SymbolFile[];
  /** Virtual minus physical address of the kernel. */
  private readonly physicalBias: bigint;
  private readonly identityMapped: boolean;

  /** `identityMapped`: the kernel is entered with paging on, and still at its physical addresses. */
  constructor(files: readonly SymbolFile[], physicalBias: number, identityMapped = false) {
    this.files = files;
    this.physicalBias = BigInt(physicalBias);
    this.identityMapped = identityMapped;
  }

  /** `symbol` or `symbol+0x12` of a linear address; while paging is off also of a physical one. */
  nameOf(address: bigint, paging: boolean): string | undefined {
    const location = this.locate(address, paging);
    return location === undefined ? undefined : located(location.name, location.offset);
  }

  /** The name of a return address: it belongs to the call before it, which may be the last instruction of its function. */
  nameOfReturn(address: bigint, paging: boolean): string | undefined {
    const location = this.locate(address - 1n, paging);
    return location === undefined ? undefined : located(location.name, location.offset + 1);
  }

  /** The symbol that starts at a linear address. */
  startingAt(address: bigint, paging: boolean): string | undefined {
    const location = this.locate(address, paging);
    return location?.offset === 0 ? location.name : undefined;
  }

  /** Start of the symbol that holds a linear address. */
  startOf(address: bigint, paging: boolean): bigint | undefined {
    const location = this.locate(address, paging);
    return location === undefined ? undefined : address - BigInt(location.offset);
  }

  /** Linear address of a symbol, as it was linked. */
  addressOf(name: string): bigint | undefined {
    for (const { symbols, bias } of this.files) {
      const symbol = symbols.find(name);
      if (symbol !== undefined) return BigInt.asUintN(32, symbol.address + bias);
    }
    return undefined;
  }

  /** Every address under which the guest can reach what is linked at `address`: a kernel runs at physical addresses before paging. */
  aliases(address: bigint): bigint[] {
    const file = this.candidates(address, true).find((one) => lookup(one, address) !== undefined);
    const bias = file === undefined ? 0n : this.biasOf(file);
    return bias === 0n ? [address] : [address, BigInt.asUintN(32, address - bias)];
  }

  *names(): Iterable<string> {
    for (const { symbols } of this.files) yield* symbols.names();
  }

  private locate(address: bigint, paging: boolean): { name: string; offset: number } | undefined {
    const linkedOnly = paging && !this.identityMapped;
    const files = this.candidates(address, linkedOnly);
    for (const file of files) {
      const location = lookup(file, address);
      if (location !== undefined) return location;
    }
    if (linkedOnly) return undefined;
    for (const file of files) {
      const bias = this.biasOf(file);
      const location = bias === 0n ? undefined : lookup(file, address + bias);
      if (location !== undefined) return location;
    }
    return undefined;
  }

  private candidates(address: bigint, paging: boolean): readonly SymbolFile[] {
    return this.files.filter((file) => file.mayHold?.(address, paging) ?? true);
  }

  private biasOf({ physicalBias }: SymbolFile): bigint {
    return physicalBias ?? this.physicalBias;
  }
}

function lookup({ symbols, bias }: SymbolFile, address: bigint): { name: string; offset: number } | undefined {
  return symbols.lookup(BigInt.asUintN(32, address - bias));
}

function located(name: string, offset: number): string {
  return offset === 0 ? name : `${name}+${hex(offset)}`;
}
