import type { Dwarf } from '../symbols/dwarf/dwarf.ts';
import type { Structure, StructureMember } from '../symbols/dwarf/layout.ts';
import type { ElfSymbols, ImageSymbol } from '../symbols/elf-symbols.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';

/** One function pointer of a group. */
export interface SlotLayout {
  /** `irq_disable`; with a dot where the group has a structure in it: `lazy_mode.enter`. */
  readonly name: string;
  /** Bytes from the start of the group. */
  readonly offset: number;
  /** Bytes of the pointer. */
  readonly size: number;
}

/** The slots of one structure: `pv_irq_ops`, or `pv_ops.irq` where one table holds several. */
export interface GroupLayout {
  readonly name: string;
  /** Linear address of the structure, as linked. */
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly slots: readonly SlotLayout[];
}

/** Where an image keeps its paravirt operations, as its own debug information says. */
export interface ParavirtLayout {
  readonly groups: readonly GroupLayout[];
  /** The pointer to the name of what the kernel believes it runs on; undefined when the image has none. */
  readonly believes: { readonly address: bigint; readonly size: number } | undefined;
}

/** Why an image has no slots to show, in one or two sentences. */
export interface NoParavirt {
  readonly reason: string;
}

/** `paravirt_ops` up to Linux 2.6.23, `pv_irq_ops` and its like up to 4.19, `pv_ops` since then; `pv_ops_lock` stands apart in 7.x. */
const TABLE = /^(paravirt_ops|pv_ops|pv_ops_lock|pv_\w+_ops)$/;

/** Finds the tables by their symbols and lays them out by DWARF. `dwarf` is undefined for an image without. */
export function findParavirtTables(symbols: ElfSymbols, dwarf: Dwarf | undefined): ParavirtLayout | NoParavirt {
  const tables = [...symbols.names()]
    .filter((name) => TABLE.test(name))
    .map((name) => symbols.find(name))
    .filter((symbol) => symbol?.kind === 'object');
  const [first] = tables;
  if (first === undefined)
    return {
      reason:
        'This image has no pv_ops: no symbol paravirt_ops, pv_ops or pv_*_ops. ' +
        'Kernels from Linux 2.6.20 on have them when built with CONFIG_PARAVIRT.',
    };
  const where = `${first.name} is at ${hex(first.address, 8)} (${count(first.size)} bytes)`;
  if (dwarf === undefined) return { reason: `${where} but the image has no DWARF, so slots have no names.` };
  try {
    const structures = tables.flatMap((symbol) => withStructure(symbol, dwarf));
    const groups = structures.flatMap(({ symbol, structure }) => groupsOf(symbol, structure));
    if (groups.length === 0)
      return { reason: `${where} but the DWARF of the image describes no slots of it, so slots have no names.` };
    return { groups, believes: findBelief([...withStructure(symbols.find('pv_info'), dwarf), ...structures]) };
  } catch (error) {
    if (error instanceof StartOfDayError) return { reason: `${where}. ${error.message}` };
    throw error;
  }
}

interface Table {
  readonly symbol: ImageSymbol;
  readonly structure: Structure;
}

function withStructure(symbol: ImageSymbol | undefined, dwarf: Dwarf): readonly Table[] {
  const structure = symbol === undefined ? undefined : dwarf.structureOf(symbol.name);
  if (symbol === undefined || structure === undefined) return [];
  // Another size is another variable of the same name, or a file that is not what it seems.
  return symbol.size === 0 || symbol.size === structure.size ? [{ symbol, structure }] : [];
}

/** A table that holds nothing but structures is as many groups as it has structures with slots. */
function groupsOf(symbol: ImageSymbol, structure: Structure): readonly GroupLayout[] {
  const own = { name: symbol.name, address: symbol.address, size: structure.size };
  const container = structure.members.every((member) => member.kind === 'struct' && !isCalleeSave(member));
  const groups = container
    ? structure.members.map((member) => ({
        name: `${symbol.name}.${member.name}`,
        address: symbol.address + BigInt(member.offset),
        size: member.size,
        slots: slotsOf(member.members ?? [], '', 0),
      }))
    : [{ ...own, slots: slotsOf(structure.members, '', 0) }];
  return groups
    .map((group) => ({ ...group, slots: group.slots.filter(({ offset, size }) => offset + size <= group.size) }))
    .filter(({ slots }) => slots.length > 0);
}

function slotsOf(members: readonly StructureMember[], prefix: string, base: number): readonly SlotLayout[] {
  return members.flatMap((member) => {
    const name = prefix + member.name;
    const offset = base + member.offset;
    if (member.kind === 'function-pointer' || isCalleeSave(member)) return [{ name, offset, size: member.size }];
    return slotsOf(member.members ?? [], member.name === '' ? prefix : `${name}.`, offset);
  });
}

/** Linux's `struct paravirt_callee_save { void *func; }`: a slot whose function keeps all registers. */
function isCalleeSave({ kind, members }: StructureMember): boolean {
  return kind === 'struct' && members?.length === 1 && members[0]?.name === 'func' && members[0].kind === 'pointer';
}

/** `pv_info.name`, or the `name` of a table that holds that information itself. */
function findBelief(tables: readonly Table[]): ParavirtLayout['believes'] {
  for (const { symbol, structure } of tables) {
    const information = structure.members.find(({ name }) => name === 'info');
    const name = [...structure.members, ...(information?.members ?? [])].find(
      (member) => member.name === 'name' && member.kind === 'pointer',
    );
    if (name === undefined) continue;
    const base = structure.members.includes(name) ? 0 : (information?.offset ?? 0);
    return { address: symbol.address + BigInt(base + name.offset), size: name.size };
  }
  return undefined;
}
