import assert from 'node:assert/strict';
import { backendOf, targetName } from '../../src/paravirt/backend.ts';
import { findParavirtTables } from '../../src/paravirt/layout.ts';
import type { ParavirtLayout } from '../../src/paravirt/layout.ts';
import { slotDescription } from '../../src/paravirt/slot-text.ts';
import { readBelief, readParavirtTables } from '../../src/paravirt/tables.ts';
import type { ParavirtSlot } from '../../src/paravirt/tables.ts';
import { Dwarf } from '../../src/symbols/dwarf/dwarf.ts';
import { ElfSymbols } from '../../src/symbols/elf-symbols.ts';
import { samplePath } from '../samples/samples.ts';
import { requireTool } from '../support/tools.ts';
import { gdb, openElf, output, Workshop } from '../symbols/toolchain.ts';
import { ImageMemory } from './memory.ts';

interface Opened {
  readonly symbols: ElfSymbols;
  readonly memory: ImageMemory;
  readonly layout: ParavirtLayout;
}

function open(path: string): Opened {
  const elf = openElf(path);
  const symbols = new ElfSymbols(elf);
  const layout = findParavirtTables(symbols, Dwarf.read(elf));
  if ('reason' in layout) assert.fail(layout.reason);
  return { symbols, memory: new ImageMemory(elf), layout };
}

function reasonOf(path: string): string {
  const elf = openElf(path);
  const found = findParavirtTables(new ElfSymbols(elf), Dwarf.read(elf));
  return 'reason' in found ? found.reason : assert.fail('it has slots');
}

/** The slots and structures of `struct name` by GDB, offsets from the start of the structure. */
function slotsOfGdb(path: string, structure: string): readonly (readonly [string, number])[] {
  const line = /^\/\* +(\d+) +\| +\d+ \*\/ +.*\(\*(\w+)\)/;
  return gdb(path, `ptype /o ${structure}`)
    .split('\n')
    .flatMap((text) => {
      const [, offset, name] = line.exec(text) ?? [];
      return name === undefined ? [] : [[name, Number(offset)] as const];
    });
}

describe('paravirt operations of the sample', function () {
  this.timeout(30000);
  const path = samplePath('multiboot');

  before(function () {
    requireTool(this, 'gdb');
  });

  it('have the groups, slots and offsets of ptype /o and the address of print &pv_ops', () => {
    const { layout } = open(path);
    const base = BigInt(/0x[0-9a-f]+/.exec(gdb(path, 'print &pv_ops'))?.[0] ?? '');
    assert.deepEqual(
      layout.groups.map(({ name }) => name),
      ['pv_ops.init', 'pv_ops.cpu', 'pv_ops.irq', 'pv_ops.mmu'],
    );
    const ours = layout.groups.flatMap((group) =>
      group.slots.map(({ name, offset }) => [name, Number(group.address - base) + offset]),
    );
    const expected = slotsOfGdb(path, 'struct paravirt_ops');
    assert.equal(expected.length, 18);
    assert.deepEqual(ours, expected);
    for (const group of layout.groups) {
      const own = slotsOfGdb(path, `struct ${group.name.replace('pv_ops.', 'pv_')}_ops`);
      assert.deepEqual(
        group.slots.map(({ name, offset }) => [name, offset]),
        own,
      );
    }
  });

  it('hold the functions that GDB prints', () => {
    const { symbols, memory, layout } = open(path);
    const printed = gdb(path, 'print pv_ops');
    const slots = readParavirtTables(layout, memory.read, symbols).flatMap((table) => table.slots);
    for (const { name, target, symbols: names } of slots) {
      const [, value, symbol] = new RegExp(`\\b${name} = (0x[0-9a-f]+)(?: <(\\w+)>)?`).exec(printed) ?? [];
      assert.equal(target, BigInt(value ?? -1), name);
      assert.deepEqual(names, symbol === undefined ? [] : [symbol], name);
    }
    assert.equal(readBelief(layout, memory.read), 'bare hardware');
  });

  it('say what each slot holds, and what it held', () => {
    const { symbols, memory, layout } = open(path);
    const read = (name: string): ParavirtSlot =>
      readParavirtTables(layout, memory.read, symbols)
        .flatMap((table) => table.slots)
        .find((slot) => slot.name === name) ?? assert.fail(name);
    const before = read('irq_disable');
    assert.equal(slotDescription(before, before), 'native · native_irq_disable');
    assert.equal(slotDescription(read('post_allocator_init')), 'no-op · paravirt_nop');
    assert.equal(slotDescription(read('make_pte')), 'no-op · paravirt_ident_32');
    assert.equal(slotDescription(read('force_callback')), 'null');

    memory.store32(before.address, symbols.addressOf('sod_irq_disable') ?? 0n);
    assert.equal(slotDescription(read('irq_disable'), before), 'other · sod_irq_disable, was native');
    memory.store32(before.address, 0n);
    assert.equal(slotDescription(read('irq_disable'), before), 'null, was native');
    memory.store32(before.address, 0xc0ffee00n);
    assert.equal(slotDescription(read('irq_disable'), before), 'other · 0xc0ffee00, was native');
    memory.store32(read('irq_enable').address, symbols.addressOf('native_irq_disable') ?? 0n);
    assert.equal(slotDescription(read('irq_enable'), read('safe_halt')), 'native · native_irq_disable');
  });

  it('have no slots to read where memory ends', () => {
    const { symbols, layout } = open(path);
    const tables = readParavirtTables(layout, (_, length) => new Uint8Array(length - 1), symbols);
    assert.deepEqual(
      tables.map(({ slots }) => slots),
      [[], [], [], []],
    );
    assert.equal(
      readBelief(layout, () => new Uint8Array()),
      undefined,
    );
  });
});

/** Linux 2.6.32, 64-bit: tables of their own, callee-save thunks, a structure within a group, aliases. */
const SPLIT = `
struct paravirt_callee_save { void *func; };
struct pv_lazy_ops { void (*enter)(void); void (*leave)(void); };
struct pv_info { unsigned kernel_rpl; int shared_kernel_pmd; int paravirt_enabled; const char *name; };
struct pv_irq_ops { struct paravirt_callee_save save_fl, restore_fl; void (*safe_halt)(void); };
struct pv_mmu_ops { unsigned long (*read_cr2)(void); struct pv_lazy_ops lazy_mode; int flags; };
static unsigned long xen_read_cr2(void) { return 0; }
void _paravirt_nop(void) {}
void native_safe_halt(void) {}
void start(void) {}
asm(".text\\n.globl __raw_callee_save_xen_save_fl, xen_restore_fl, early_restore\\n"
    "__raw_callee_save_xen_save_fl: nop\\nxen_restore_fl: early_restore: nop\\n");
extern char __raw_callee_save_xen_save_fl[], early_restore[];
struct pv_info pv_info = { 1, 0, 1, "Xen" };
struct pv_irq_ops pv_irq_ops = { { __raw_callee_save_xen_save_fl }, { early_restore }, native_safe_halt };
const struct pv_mmu_ops pv_mmu_ops = { xen_read_cr2, { _paravirt_nop, 0 }, 3 };
int pv_time_ops(void) { return 0; }
`;

/** Linux 2.6.20: one flat table that knows the name itself. */
const FLAT = `
struct paravirt_ops { unsigned kernel_rpl; int paravirt_enabled; const char *name; void (*banner)(void); void (*cli)(void); };
static void default_banner(void) {}
static void native_irq_disable(void) {}
void start(void) {}
struct paravirt_ops paravirt_ops = { 0, 0, "bare hardware", default_banner, native_irq_disable };
`;

describe('paravirt operations of Linux', function () {
  this.timeout(30000);
  let workshop: Workshop;

  before(function () {
    for (const tool of ['gcc', 'gdb', 'nm']) requireTool(this, tool);
    workshop = new Workshop();
  });
  after(() => workshop.remove());

  it('2.6.32 stand in tables of their own', () => {
    const { symbols, memory, layout } = open(workshop.build('split', SPLIT, 'c', ['-m64', '-g']));
    const tables = readParavirtTables(layout, memory.read, symbols);
    const shown = tables.map(({ name, slots }) => [
      name,
      slots.map((slot) => `${slot.name} +${slot.offset} ${slotDescription(slot)}`),
    ]);
    assert.deepEqual(Object.fromEntries(shown), {
      pv_irq_ops: [
        'save_fl +0 xen · xen_save_fl via thunk',
        'restore_fl +8 xen · xen_restore_fl, early_restore',
        'safe_halt +16 native · native_safe_halt',
      ],
      pv_mmu_ops: [
        'read_cr2 +0 xen · xen_read_cr2',
        'lazy_mode.enter +8 no-op · _paravirt_nop',
        'lazy_mode.leave +16 null',
      ],
    });
    assert.equal(readBelief(layout, memory.read), 'Xen');
  });

  it('2.6.20 stand in one table', () => {
    const { symbols, memory, layout } = open(workshop.build('flat', FLAT, 'c', ['-m32', '-gdwarf-2']));
    const [table, ...others] = readParavirtTables(layout, memory.read, symbols);
    assert.deepEqual(others, []);
    assert.equal(table?.name, 'paravirt_ops');
    assert.deepEqual(
      table.slots.map((slot) => `${slot.name} +${slot.offset} ${slotDescription(slot)}`),
      ['banner +12 other · default_banner', 'cli +16 native · native_irq_disable'],
    );
    assert.equal(readBelief(layout, memory.read), 'bare hardware');
  });

  it('are said to be missing when no symbol names them', () => {
    assert.equal(
      reasonOf(samplePath('keyboard')),
      'This image has no pv_ops: no symbol paravirt_ops, pv_ops or pv_*_ops. ' +
        'Kernels from Linux 2.6.20 on have them when built with CONFIG_PARAVIRT.',
    );
  });

  it('have no names without DWARF', () => {
    const path = workshop.build('bare', FLAT, 'c', ['-m32']);
    const address = / ?([0-9a-f]{8}) D paravirt_ops/.exec(output('nm', path))?.[1] ?? '';
    assert.equal(
      reasonOf(path),
      `paravirt_ops is at 0x${address} (20 bytes) but the image has no DWARF, so slots have no names.`,
    );
  });

  it('have no names when the DWARF is compressed or damaged, and say where', () => {
    const compressed = workshop.build('compressed', FLAT, 'c', ['-m32', '-g', '-gz=zlib']);
    assert.match(
      reasonOf(compressed),
      /^paravirt_ops is at 0x[0-9a-f]{8} \(20 bytes\)\. \.debug_\w+ is compressed\. sh_flags/,
    );
    const { bits, sections } = openElf(samplePath('multiboot'));
    const cut = sections.map((section) =>
      section.name === '.debug_abbrev' ? { ...section, bytes: section.bytes.subarray(0, 5) } : section,
    );
    const image = { bits, sections: cut };
    assert.deepEqual(findParavirtTables(new ElfSymbols(image), Dwarf.read(image)), {
      reason:
        'pv_ops is at 0x00101020 (80 bytes). The debug information of this image is damaged. ' +
        '.debug_abbrev, offset 0x5: 1 byte needed, 0 left. Build the image again with -g.',
    });
  });

  it('have no names when the DWARF is of other files, or of another variable', () => {
    const assembled =
      '.data\n.globl pv_ops\n.type pv_ops, @object\npv_ops: .skip 2000\n.size pv_ops, 2000\n.text\n.globl start\nstart: ret\n';
    assert.match(
      reasonOf(workshop.build('assembled', assembled, 'S', ['-m32', '-g'])),
      /^pv_ops is at 0x[0-9a-f]{8} \(2,000 bytes\) but the DWARF of the image describes no slots of it, so slots have no names\.$/,
    );
    const other = `${FLAT}\nasm(".data\\n.size paravirt_ops, 16\\n");`;
    assert.match(
      reasonOf(workshop.build('other', other, 'c', ['-m32', '-g'])),
      /^paravirt_ops is at .* describes no slots of it/,
    );
  });
});

describe('backends by name', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['native_irq_disable', 'native'],
    ['pv_native_irq_disable', 'native'],
    ['__native_flush_tlb', 'native'],
    ['native_nop', 'no-op'],
    ['_paravirt_nop', 'no-op'],
    ['paravirt_nop', 'no-op'],
    ['nop_func', 'no-op'],
    ['_paravirt_ident_64', 'no-op'],
    ['xen_irq_disable_direct', 'xen'],
    ['__raw_callee_save_xen_save_fl', 'xen'],
    ['lguest_write_cr3', 'lguest'],
    ['lg_irq_enable', 'lguest'],
    ['vmi_set_pte', 'vmi'],
    ['vmi_nop', 'no-op'],
    ['kvm_io_delay', 'kvm'],
    ['hv_flush_tlb', 'hyperv'],
    ['hyperv_flush_tlb', 'hyperv'],
    ['vmware_sched_clock', 'vmware'],
    ['tdx_safe_halt', 'tdx'],
    ['sod_banner', 'other'],
    ['paravirt_BUG', 'other'],
    ['', 'other'],
  ];
  for (const [name, backend] of cases)
    it(`${name === '' ? 'no name' : name} is ${backend}`, () => assert.equal(backendOf(name), backend));

  it('show a thunk as the function behind it', () => {
    assert.equal(targetName('__raw_callee_save_native_save_fl'), 'native_save_fl via thunk');
  });
});
