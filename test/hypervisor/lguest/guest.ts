import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { chooseEntry } from '../../../src/boot/choose-entry.ts';
import { applyPlan } from '../../../src/boot/load.ts';
import type { EngineName } from '../../../src/cpu/cpu.ts';
import { attachTo } from '../../../src/hypervisor/hypervisor.ts';
import { lguest } from '../../../src/hypervisor/lguest/lguest.ts';
import { ElfFile } from '../../../src/image/elf.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { MachineStop } from '../../../src/machine/stop.ts';
import { ElfSymbols } from '../../../src/symbols/elf-symbols.ts';
import { buildKernel, MIB, OPTIONS } from '../../boot/kernels.ts';
import { lguestSource, LGUEST_SCRIPT, PAGE_OFFSET, type LguestStart } from '../../support/lguest-guests.ts';

export const MEMORY = 4 * MIB;

/** EBX, ECX and EDX are the arguments, and SHUTDOWN is a call. */
export function isNew(start: LguestStart): boolean {
  return ['2.6.32', '3.0', '3.2', '4.4'].includes(start);
}

/** Macros of the guests: `hcall number, argument…` as the revision has it, and `set_gate vector, handler`. */
function macros(start: LguestStart): string {
  const [first, second, third] = isNew(start) ? ['%ebx', '%ecx', '%edx'] : ['%edx', '%ebx', '%ecx'];
  const ask = start === '2.6.32' ? '.byte 0x0f,0x01,0xc1' : 'int $0x1f';
  return `
.macro hcall number, a=$0, b=$0, c=$0
  movl \\a,${first}
  movl \\b,${second}
  movl \\c,${third}
  movl $\\number,%eax
  ${ask}
.endm
.macro set_gate vector, handler, type=0x8e00
  movl $\\handler,%esi
  movl %esi,%edi
  andl $0xffff,%esi
  orl $0x00600000,%esi
  andl $0xffff0000,%edi
  orl $\\type,%edi
  hcall 6, $\\vector, %esi, %edi
.endm
.set irq_enabled, lguest_data
.set blocked_interrupts, lguest_data + 4
.set last_cr2, lguest_data + 8
`;
}

/** What Linux's iret does under lguest: the flags of the frame are the new irq_enabled. */
export const LGUEST_IRET = `
.weak outside
lguest_iret:
  pushl %eax
  movl 12(%esp),%eax
noirq_start:
  jmp 1f
noirq_spin:
  movl $300000,%ecx
2: loop 2b
  jmp outside
1:
  andl $0x200,%eax
  movl %eax,%ss:irq_enabled
  popl %eax
  iret
noirq_end:
`;

/** Offsets of the words of lguest_data that the guest must set before LGUEST_INIT. */
const GUEST_FIELDS: Readonly<Record<LguestStart, readonly (readonly [number, string])[]>> = {
  lguest_boot_info: [
    [0x454, 'noirq_start'],
    [0x458, 'noirq_end'],
  ],
  'boot header': [
    [0x460, 'noirq_start'],
    [0x464, 'noirq_end'],
  ],
  '2.6.24': [
    [0x460, 'noirq_start'],
    [0x464, 'noirq_end'],
    [0x468, '0xc0000000'],
    [0x46c, '0x80'],
  ],
  '2.6.32': [
    [0x564, 'noirq_start'],
    [0x568, 'noirq_end'],
    [0x56c, '0xc0000000'],
    [0x570, '0x80'],
  ],
  '3.0': [
    [0x564, 'noirq_start'],
    [0x568, 'noirq_end'],
    [0x56c, '0xc0000000'],
    [0x570, '0x80'],
  ],
  '3.2': [
    [0x560, 'noirq_start'],
    [0x564, 'noirq_end'],
    [0x568, '0xc0000000'],
    [0x56c, '0x80'],
  ],
  '4.4': [
    [0x560, 'noirq_start'],
    [0x564, '0xc0000000'],
    [0x568, '0x80'],
  ],
};
const STATUS: Readonly<Record<LguestStart, number>> = {
  lguest_boot_info: 0xc,
  'boot header': 0x14,
  '2.6.24': 0x14,
  '2.6.32': 0x18,
  '3.0': 0x18,
  '3.2': 0x18,
  '4.4': 0x18,
};

/** Initial contents of lguest_data: the ring is free, the guest's own fields are set. */
function initialData(start: LguestStart): string {
  const fill = Array.from({ length: 64 }, (_, n) => [STATUS[start] + n, '.byte 0xff'] as const);
  const words = GUEST_FIELDS[start].map(([offset, value]) => [offset, `.long ${value}`] as const);
  return [...fill, ...words].map(([offset, what]) => `.org lguest_data + ${offset}\n${what}`).join('\n');
}

/** Assembles a guest of a revision. `body` is what it does from lguest_init on, on page tables at PAGE_OFFSET. */
export function lguestImage(test: Context, start: LguestStart, body: string, data = ''): Uint8Array {
  const tables =
    start === '3.2' || start === '4.4'
      ? `.balign 4096
initial_page_table:
  .long first_table - 0xc0000000 + 0x67
  .skip 767 * 4
  .long first_table - 0xc0000000 + 0x67
  .skip 255 * 4
first_table:
.set frame, 0
.rept 1024
  .long frame + 0x67
  .set frame, frame + 4096
.endr`
      : '';
  // The first releases ask for LGUEST_INIT from C.
  const initialise =
    start === 'lguest_boot_info' || start === 'boot header' ? 'hcall 1, $lguest_data - 0xc0000000' : '';
  const source = lguestSource(start, `${initialise}\n${body}\n${LGUEST_IRET}`, `${data}\n${tables}`);
  const code = `${macros(start)}\n${source}`.replace(
    /lguest_data: \.skip (\d+)/,
    (_, size: string) => `lguest_data:\n${initialData(start)}\n.org lguest_data + ${size}`,
  );
  // Arguments of a macro end at a blank.
  const joined = code.replace(/^ *hcall .*$/gm, (line) => line.replace(/ ([-+]) /g, '$1'));
  return buildKernel(test, { header: '', code: joined, script: LGUEST_SCRIPT });
}

export interface LguestRun {
  readonly machine: Machine;
  readonly console: () => string;
  readonly run: (maxInstructions?: number) => MachineStop;
  /** A word at a symbol, by its physical address. */
  readonly word: (symbol: string, offset?: number) => number;
  /** Linear address of a symbol. */
  readonly address: (symbol: string) => number;
  /** Names of the hypercalls, in order. */
  readonly calls: () => string[];
}

/** A machine at the entry of an image. */
export function boot(bytes: Uint8Array, engine: EngineName = 'translator', cmdline = ''): LguestRun {
  const plan = chooseEntry({ name: 'vmlinux', bytes }, 'lguest', { ...OPTIONS, cmdline, memory: MEMORY });
  const machine = new Machine({ memory: MEMORY + (plan.reservedMemory ?? 0), engine });
  let printed = '';
  machine.onSerial.on((byte) => (printed += String.fromCharCode(byte)));
  applyPlan(plan, machine);
  const { entry, information, revision } = plan;
  machine.attachSupervisor(attachTo(lguest, { entry, information, guestMemory: MEMORY, revision }));
  const symbols = new ElfSymbols(new ElfFile('vmlinux', bytes));
  const address = (symbol: string): number => Number(symbols.find(symbol)?.address ?? assert.fail(`no ${symbol}`));
  return {
    machine,
    console: () => printed,
    run: (maxInstructions = 1_000_000) => machine.run({ maxInstructions }),
    word: (symbol, offset = 0) => machine.memory.read32(address(symbol) - PAGE_OFFSET + offset),
    address,
    calls: () => machine.hypercalls.records.map(({ name }) => name),
  };
}
