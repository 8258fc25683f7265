import assert from 'node:assert/strict';
import { LGUEST_BOOT_INFO, LGUEST_DMA, LGUEST_INTERFACES, type LguestRevision } from '../../src/abi/lguest.ts';
import { runHosted } from '../support/assembler.ts';
import { requireTool } from '../support/tools.ts';

/** `struct lguest_data` as include/linux/lguest.h of each revision declares it, for 32 interrupts. */
const STRUCTURES: Readonly<Record<LguestRevision, string>> = {
  '2.6.23-rc1': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; u8 hcall_status[64];
    struct { u32 eax, edx, ebx, ecx; } hcalls[64]; unsigned long reserve_mem; u16 guestid; unsigned long noirq_start, noirq_end;`,
  '2.6.23-rc': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; u8 hcall_status[64];
    struct { u32 eax, edx, ebx, ecx; } hcalls[64]; unsigned long reserve_mem; u16 guestid; u32 tsc_khz;
    unsigned long noirq_start, noirq_end;`,
  '2.6.23': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    u8 hcall_status[64]; struct { u32 eax, edx, ebx, ecx; } hcalls[64]; unsigned long reserve_mem; u16 guestid; u32 tsc_khz;
    unsigned long noirq_start, noirq_end;`,
  '2.6.24': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    u8 hcall_status[64]; struct { unsigned long arg0, arg2, arg3, arg1; } hcalls[64]; unsigned long reserve_mem; u32 tsc_khz;
    unsigned long pgdir; unsigned long noirq_start, noirq_end; unsigned long kernel_address; unsigned syscall_vec;`,
  '2.6.30': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    u8 hcall_status[64]; struct { unsigned long arg0, arg1, arg2, arg3; } hcalls[64]; unsigned long reserve_mem; u32 tsc_khz;
    unsigned long pgdir; unsigned long noirq_start, noirq_end; unsigned long kernel_address; unsigned syscall_vec;`,
  '2.6.32': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    int irq_pending; u8 hcall_status[64]; struct { unsigned long arg0, arg1, arg2, arg3, arg4; } hcalls[64];
    unsigned long reserve_mem; u32 tsc_khz; unsigned long pgdir; unsigned long noirq_start, noirq_end;
    unsigned long kernel_address; unsigned syscall_vec;`,
  '3.0': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    int irq_pending; u8 hcall_status[64]; struct { unsigned long arg0, arg1, arg2, arg3, arg4; } hcalls[64];
    unsigned long reserve_mem; u32 tsc_khz; unsigned long pgdir; unsigned long noirq_start, noirq_end;
    unsigned long kernel_address; unsigned syscall_vec;`,
  '3.2': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    int irq_pending; u8 hcall_status[64]; struct { unsigned long arg0, arg1, arg2, arg3, arg4; } hcalls[64];
    unsigned long reserve_mem; u32 tsc_khz; unsigned long noirq_start, noirq_end;
    unsigned long kernel_address; unsigned syscall_vec;`,
  '4.4': `unsigned irq_enabled; unsigned long blocked_interrupts[1]; unsigned long cr2; struct { long sec, nsec; } time;
    int irq_pending; u8 hcall_status[64]; struct { unsigned long arg0, arg1, arg2, arg3, arg4; } hcalls[64];
    unsigned long reserve_mem; u32 tsc_khz; unsigned long noirq_start; unsigned long kernel_address; unsigned syscall_vec;`,
};

/** Words that a C program for i386 prints, one for each expression. */
function measured(declarations: string, expressions: readonly string[]): number[] {
  const source = `#include <stdio.h>
    #include <stddef.h>
    typedef unsigned u32; typedef unsigned short u16; typedef unsigned char u8;
    ${declarations}
    int main(void) { ${expressions.map((one) => `printf("%u\\n", (unsigned)(${one}));`).join('')} return 0; }`;
  return Buffer.from(runHosted(source)).toString().trim().split('\n').map(Number);
}

describe('lguest interface', () => {
  for (const [revision, structure] of Object.entries(STRUCTURES) as [LguestRevision, string][])
    it(`lays lguest_data of ${revision} out as gcc does`, function () {
      requireTool(this, 'gcc');
      const { size, ...fields } = LGUEST_INTERFACES[revision].data;
      const names = Object.keys(fields);
      const offsets = measured(`struct data { ${structure} };`, [
        'sizeof(struct data)',
        ...names.map((name) => `offsetof(struct data, ${name})`),
      ]);
      assert.deepEqual([size, ...Object.values(fields)], offsets);
    });

  it('lays lguest_dma and lguest_boot_info out as gcc does', function () {
    requireTool(this, 'gcc');
    const declarations = `struct dma { u32 used_len; unsigned long addr[16]; u16 len[16]; };
      struct boot { u32 max_pfn; u32 initrd_size; char cmdline[256]; };`;
    assert.deepEqual(
      [LGUEST_DMA.addresses, LGUEST_DMA.lengths, LGUEST_DMA.size, LGUEST_BOOT_INFO.initrd_size[0]],
      measured(declarations, [
        'offsetof(struct dma, addr)',
        'offsetof(struct dma, len)',
        'sizeof(struct dma)',
        'offsetof(struct boot, initrd_size)',
      ]),
    );
  });

  it('has the calls of each revision by number', () => {
    const names = (revision: LguestRevision): string[] =>
      [...LGUEST_INTERFACES[revision].calls].sort(([a], [b]) => a - b).map(([number, { name }]) => `${number} ${name}`);
    assert.equal(
      names('2.6.24').join(', '),
      '0 FLUSH_ASYNC, 1 LGUEST_INIT, 2 CRASH, 3 LOAD_GDT, 4 NEW_PGTABLE, 5 FLUSH_TLB, 6 LOAD_IDT_ENTRY, 7 SET_STACK, 8 TS, ' +
        '9 SET_CLOCKEVENT, 10 HALT, 14 SET_PTE, 15 SET_PMD, 16 LOAD_TLS, 17 NOTIFY',
    );
    assert.equal(
      names('2.6.32').join(', '),
      '0 FLUSH_ASYNC, 1 LGUEST_INIT, 2 SHUTDOWN, 4 NEW_PGTABLE, 5 FLUSH_TLB, 6 LOAD_IDT_ENTRY, 7 SET_STACK, 8 TS, ' +
        '9 SET_CLOCKEVENT, 10 HALT, 13 SET_PMD, 14 SET_PTE, 15 SET_PGD, 16 LOAD_TLS, 17 NOTIFY, 18 LOAD_GDT_ENTRY, 19 SEND_INTERRUPTS',
    );
    assert.equal(names('4.4').includes('17 NOTIFY'), false);
    assert.equal(
      names('2.6.23-rc1').join(', ').includes('9 TIMER_READ, 10 HALT, 11 GET_WALLCLOCK, 12 BIND_DMA, 13 SEND_DMA'),
      true,
    );
  });
});
