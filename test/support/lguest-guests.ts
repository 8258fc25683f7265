/**
 * Tiny lguest guests that begin as Linux does (drivers/lguest/lguest_asm.S, arch/x86/lguest/i386_head.S and head_32.S): what is common to
 * the tests of the entry and of the hypervisor. GNU assembler, AT&T syntax as in the sources.
 */
export const PAGE_OFFSET = 0xc0000000;

/** Linked at PAGE_OFFSET + 1 MiB, loaded at 1 MiB; the ELF entry is physical, as vmlinux.lds.S has it. */
export const LGUEST_SCRIPT = `
ENTRY(phys_startup_32)
SECTIONS {
  . = 0xc0100000;
  phys_startup_32 = startup_32 - 0xc0000000;
  .text : AT(ADDR(.text) - 0xc0000000) { *(.text) }
  .data : AT(ADDR(.data) - 0xc0000000) { *(.data) }
  .bss : AT(ADDR(.bss) - 0xc0000000) { *(.bss) }
}
`;

/** How a guest begins; of one release those up to the next are alike. */
export const LGUEST_STARTS = ['lguest_boot_info', 'boot header', '2.6.24', '2.6.32', '3.0', '3.2', '4.4'] as const;
export type LguestStart = (typeof LGUEST_STARTS)[number];

/** Bytes of `struct lguest_data` of each. */
const DATA_SIZE = {
  lguest_boot_info: 0x45c,
  'boot header': 0x468,
  '2.6.24': 0x470,
  '2.6.32': 0x574,
  '3.0': 0x574,
  '3.2': 0x570,
  '4.4': 0x56c,
} as const;

/** Since 3.2 the guest runs on the page tables of startup_32. */
const BRINGS_TABLES = `
startup_32:
  movl $1,%eax
  movl $lguest_data - 0xc0000000,%ebx
  int $0x1f
  movl $4,%eax
  movl $initial_page_table - 0xc0000000,%ebx
  int $0x1f
  movl $stack_end,%esp
  jmp lguest_init`;

const START: Readonly<Record<LguestStart, string>> = {
  lguest_boot_info: `
startup_32: ud2
  .ascii "GenuineLguest"
  movl $stack_end,%esp
  jmp lguest_init`,
  'boot header': `
startup_32: ud2
  .ascii "GenuineLguest"
  movl $stack_end,%esp
  movl %esi,%eax
  addl $0xc0000000,%eax
  jmp lguest_init`,
  // 2.6.24 copies the entries of the first 128 MiB of its page directory to PAGE_OFFSET.
  '2.6.24': `
startup_32:
  movl $1,%eax
  movl $lguest_data - 0xc0000000,%edx
  int $0x1f
  movl (lguest_data - 0xc0000000 + 0x45c),%esi
  movl %esi,%edi
  addl $(0xc0000000 >> 22) * 4,%edi
  movl $32,%ecx
  cld
  rep
  movsl
  movl $stack_end,%esp
  jmp lguest_init`,
  '2.6.32': `
startup_32:
  movl $1,%eax
  movl $lguest_data - 0xc0000000,%ebx
  .byte 0x0f,0x01,0xc1
  movl $stack_end,%esp
  jmp lguest_init`,
  '3.0': `
startup_32:
  movl $1,%eax
  movl $lguest_data - 0xc0000000,%ebx
  int $0x1f
  movl $stack_end,%esp
  jmp lguest_init`,
  '3.2': BRINGS_TABLES,
  '4.4': BRINGS_TABLES,
};

/** The assembler source of a guest: its start, what it does from lguest_init on, and its data. */
export function lguestSource(start: LguestStart, body: string, data = ''): string {
  // A jump over PAGE_OFFSET needs an absolute address: the entry runs at physical ones.
  const enter = start === 'lguest_boot_info' || start === 'boot header' ? '' : '\n  .set near_init, lguest_init';
  const code =
    enter === '' ? START[start] : START[start].replace('jmp lguest_init', 'movl $near_init,%ecx\n  jmp *%ecx');
  return `
.text
.globl startup_32
${enter}
${code}
lguest_init:
${body}
.data
.balign 4096
.globl lguest_data
.type lguest_data, @object
.size lguest_data, ${DATA_SIZE[start]}
lguest_data: .skip ${DATA_SIZE[start]}
${data}
.bss
.balign 4096
.skip 4096
stack_end:
`;
}
