/* The backend for Xen under a paravirtualised guest: ring 1, hypercalls through the page that Xen has filled. */
#include "backends.h"
#include "console.h"
#include "paravirt.h"
#include "start.h"

#define XEN_CONSOLE_IO 18
#define XEN_SCHED_OP 29
#define CONSOLE_WRITE 0
#define SCHED_SHUTDOWN 2
#define START_INFO_CMD_LINE 80

extern char hypercall_page[];

static u32 hypercall(u32 number, u32 first, u32 second, u32 third)
{
	u32 result;

	asm volatile("call *%%eax"
		     : "=a"(result), "+b"(first), "+c"(second), "+d"(third)
		     : "0"(hypercall_page + number * 32)
		     : "memory");
	return result;
}

static void xen_put(char character)
{
	hypercall(XEN_CONSOLE_IO, CONSOLE_WRITE, 1, (u32)&character);
}

static void xen_power_off(void)
{
	u32 reason = 0;

	hypercall(XEN_SCHED_OP, SCHED_SHUTDOWN, (u32)&reason, 0);
}

static void xen_load_table(const struct table_register *table)
{
	/* Xen has a GDT and an IDT; a guest asks it for gates instead (set_trap_table). */
	(void)table;
}

/* Events are masked in shared memory; this guest binds none. */
static u32 xen_save_fl(void)
{
	return 0;
}

static void xen_memory_setup(const struct multiboot_info *info)
{
	print("memory: ");
	print_decimal(info->mem_upper);
	print(" pages, all of them ours\n");
}

static const char *xen_probe(const struct start *start)
{
	return start->kind == START_XEN ? "Xen entered by its own entry point" : NULL;
}

static void xen_install(void)
{
	console_elsewhere = xen_put;
	power_off = xen_power_off;
	pv_ops.info.kernel_rpl = 1;
	pv_ops.info.name = "Xen";
	pv_ops.init.memory_setup = xen_memory_setup;
	pv_ops.cpu.load_gdt = xen_load_table;
	pv_ops.cpu.load_idt = xen_load_table;
	pv_ops.cpu.io_delay = paravirt_nop;
	pv_ops.irq.save_fl = xen_save_fl;
	pv_ops.irq.irq_disable = paravirt_nop;
	pv_ops.irq.irq_enable = paravirt_nop;
}

const struct backend xen_backend = { xen_probe, xen_install };

void xen_information(const void *start_info, struct multiboot_info *info)
{
	info->flags = MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
	info->cmdline = (u32)start_info + START_INFO_CMD_LINE;
	/* "xen-3.0-x86_32p", then the number of pages. */
	info->boot_loader_name = (u32)start_info;
	info->mem_upper = ((const u32 *)start_info)[8];
}
