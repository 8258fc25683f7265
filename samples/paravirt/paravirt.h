/*
 * Everything this kernel does that differs from one hypervisor to another goes through pv_ops, after the table of the
 * same name in Linux. It starts out native; a backend overwrites the slots that it does in its own way.
 */
#ifndef PARAVIRT_H
#define PARAVIRT_H

#include "types.h"

struct multiboot_info;
struct table_register;

struct pv_info {
	/* Ring the kernel runs in. */
	u32 kernel_rpl;
	/* What the kernel believes it runs on. */
	const char *name;
};

struct pv_init_ops {
	void (*banner)(void);
	void (*memory_setup)(const struct multiboot_info *info);
	void (*post_allocator_init)(void);
};

struct pv_cpu_ops {
	u32 (*read_cr0)(void);
	void (*write_cr0)(u32 value);
	void (*load_gdt)(const struct table_register *table);
	void (*load_idt)(const struct table_register *table);
	void (*io_delay)(void);
};

struct pv_irq_ops {
	u32 (*save_fl)(void);
	void (*irq_disable)(void);
	void (*irq_enable)(void);
	void (*safe_halt)(void);
	/* Entirely virtual on some backends; NULL where the hardware needs nothing. */
	void (*force_callback)(void);
};

struct pv_mmu_ops {
	u32 (*read_cr3)(void);
	void (*write_cr3)(u32 value);
	void (*flush_tlb)(void);
	/* Between a page table entry and its number: the identity where frames are not renumbered. */
	u32 (*make_pte)(u32 value);
	u32 (*pte_val)(u32 entry);
};

struct paravirt_ops {
	struct pv_info info;
	struct pv_init_ops init;
	struct pv_cpu_ops cpu;
	struct pv_irq_ops irq;
	struct pv_mmu_ops mmu;
};

extern struct paravirt_ops pv_ops;

/* Fills slots that need no work at all. */
void paravirt_nop(void);

/* The slot init.memory_setup of bare hardware: prints the loader's memory map. */
void native_memory_setup(const struct multiboot_info *info);

#endif
