/* Bare hardware: what every slot of pv_ops holds at the first instruction. */
#include "console.h"
#include "descriptors.h"
#include "io.h"
#include "paravirt.h"

#define EFLAGS_IF 0x200
/* Diagnostic port that nothing reads: a write takes about a microsecond on old buses. */
#define DELAY_PORT 0x80

void paravirt_nop(void)
{
}

static u32 paravirt_ident_32(u32 value)
{
	return value;
}

static void native_banner(void)
{
	print("paravirt: running on ");
	print(pv_ops.info.name);
	put('\n');
}

static u32 native_read_cr0(void)
{
	u32 value;

	asm volatile("movl %%cr0, %0" : "=r"(value));
	return value;
}

static void native_write_cr0(u32 value)
{
	asm volatile("movl %0, %%cr0" : : "r"(value));
}

static void native_load_gdt(const struct table_register *table)
{
	asm volatile("lgdt %0" : : "m"(*table));
}

static void native_load_idt(const struct table_register *table)
{
	asm volatile("lidt %0" : : "m"(*table));
}

static void native_io_delay(void)
{
	outb(DELAY_PORT, 0);
}

static u32 native_save_fl(void)
{
	u32 flags;

	asm volatile("pushfl\n\tpopl %0" : "=r"(flags));
	return flags & EFLAGS_IF;
}

static void native_irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

static void native_irq_enable(void)
{
	asm volatile("sti" : : : "memory");
}

static void native_safe_halt(void)
{
	asm volatile("sti\n\thlt" : : : "memory");
}

static u32 native_read_cr3(void)
{
	u32 value;

	asm volatile("movl %%cr3, %0" : "=r"(value));
	return value;
}

static void native_write_cr3(u32 value)
{
	asm volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

static void native_flush_tlb(void)
{
	native_write_cr3(native_read_cr3());
}

struct paravirt_ops pv_ops = {
	.info = {
		.kernel_rpl = 0,
		.name = "bare hardware",
	},
	.init = {
		.banner = native_banner,
		.memory_setup = native_memory_setup,
		.post_allocator_init = paravirt_nop,
	},
	.cpu = {
		.read_cr0 = native_read_cr0,
		.write_cr0 = native_write_cr0,
		.load_gdt = native_load_gdt,
		.load_idt = native_load_idt,
		.io_delay = native_io_delay,
	},
	.irq = {
		.save_fl = native_save_fl,
		.irq_disable = native_irq_disable,
		.irq_enable = native_irq_enable,
		.safe_halt = native_safe_halt,
		.force_callback = NULL,
	},
	.mmu = {
		.read_cr3 = native_read_cr3,
		.write_cr3 = native_write_cr3,
		.flush_tlb = native_flush_tlb,
		.make_pte = paravirt_ident_32,
		.pte_val = paravirt_ident_32,
	},
};
