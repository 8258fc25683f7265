import { findParavirtTables } from '../paravirt/layout.ts';
import type { NoParavirt, ParavirtLayout } from '../paravirt/layout.ts';
import { readBelief, readParavirtTables } from '../paravirt/tables.ts';
import type { ParavirtSlot, ParavirtTable } from '../paravirt/tables.ts';
import { Dwarf } from '../symbols/dwarf/dwarf.ts';
import type { LoadedRegion } from '../boot/protocol.ts';
import type { Inspection } from './inspection.ts';
import type { SymbolFile } from './symbols.ts';

/** A slot now, beside what it was. */
export interface SlotHistory {
  readonly slot: ParavirtSlot;
  readonly atEntry: ParavirtSlot | undefined;
  /** Holds another function than when the tables were last read at an earlier instruction. */
  readonly changed: boolean;
}

/** A table with the history of its slots. */
export interface TableHistory {
  readonly table: ParavirtTable;
  readonly slots: readonly SlotHistory[];
}

export interface ParavirtReading {
  readonly tables: readonly TableHistory[];
  /** `pv_info.name`. */
  readonly believes: string | undefined;
}

/** The paravirt operations of the kernel over the life of a machine. The layout is read from the image's DWARF when first asked for. */
export class ParavirtView {
  private readonly inspection: Inspection;
  private readonly kernel: SymbolFile;
  private layout: ParavirtLayout | NoParavirt | undefined;
  private entry: readonly ParavirtTable[] = [];
  private current: { readonly instruction: number; readonly tables: readonly ParavirtTable[] } | undefined;
  private previous: readonly ParavirtTable[] = [];

  constructor(inspection: Inspection, kernel: SymbolFile) {
    this.inspection = inspection;
    this.kernel = kernel;
  }

  /** The slots as memory holds them, or why there are none. */
  read(): ParavirtReading | NoParavirt {
    this.layout ??= this.findLayout();
    if ('reason' in this.layout) return this.layout;
    const { inspection } = this;
    const read = (address: bigint, length: number): Uint8Array => inspection.readLinked(address, length);
    const tables = readParavirtTables(this.layout, read, this.kernel.symbols);
    const instruction = inspection.target.instructions;
    if (this.current?.instruction !== instruction) this.previous = this.current?.tables ?? this.entry;
    this.current = { instruction, tables };
    return {
      believes: readBelief(this.layout, read),
      tables: tables.map((table, index) => ({ table, slots: this.histories(table, index) })),
    };
  }

  private findLayout(): ParavirtLayout | NoParavirt {
    const layout = findParavirtTables(this.kernel.symbols, Dwarf.read(this.kernel.image));
    if (!('reason' in layout)) {
      const { regions, physicalBias } = this.inspection.plan;
      const read = (address: bigint, length: number): Uint8Array =>
        loadedBytes(regions, Number(address) - physicalBias, length);
      this.entry = readParavirtTables(layout, read, this.kernel.symbols);
    }
    return layout;
  }

  private histories(table: ParavirtTable, index: number): SlotHistory[] {
    return table.slots.map((slot, place) => {
      const before = this.previous[index]?.slots[place];
      return {
        slot,
        atEntry: this.entry[index]?.slots[place],
        changed: before !== undefined && before.target !== slot.target,
      };
    });
  }
}

/** What the loader put at a physical address; fewer bytes where it put nothing. */
function loadedBytes(regions: readonly LoadedRegion[], address: number, length: number): Uint8Array {
  const region = regions.find(
    (candidate) => address >= candidate.address && address < candidate.address + candidate.size,
  );
  if (region === undefined) return new Uint8Array();
  const bytes = new Uint8Array(Math.min(length, region.address + region.size - address));
  bytes.set(region.bytes.subarray(address - region.address, address - region.address + bytes.length));
  return bytes;
}
