/* The backend for lguest as in Linux 2.6.32: ring 1, hypercalls by VMCALL, which the host writes over at the first one. */
#include "backends.h"
#include "console.h"
#include "paravirt.h"
#include "start.h"

#define LHCALL_SHUTDOWN 2
#define LHCALL_NOTIFY 17
#define SHUTDOWN_POWEROFF 1

static u32 hypercall(u32 number, u32 first, u32 second)
{
	u32 result;

	asm volatile("vmcall" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
	return result;
}

/* An address that is no device's is a text to print. */
static void lguest_put(char character)
{
	static char text[2];

	text[0] = character;
	hypercall(LHCALL_NOTIFY, (u32)text, 0);
}

static void lguest_power_off(void)
{
	hypercall(LHCALL_SHUTDOWN, (u32) "Power down", SHUTDOWN_POWEROFF);
}

static void lguest_load_table(const struct table_register *table)
{
	/* A guest names its gates one by one (LOAD_IDT_ENTRY, LOAD_GDT_ENTRY); this one needs none. */
	(void)table;
}

static u32 lguest_save_fl(void)
{
	return 0;
}

static const char *lguest_probe(const struct start *start)
{
	return start->kind == START_LGUEST ? "hardware_subarch is lguest's" : NULL;
}

static void lguest_install(void)
{
	console_elsewhere = lguest_put;
	power_off = lguest_power_off;
	pv_ops.info.kernel_rpl = 1;
	pv_ops.info.name = "lguest";
	pv_ops.cpu.load_gdt = lguest_load_table;
	pv_ops.cpu.load_idt = lguest_load_table;
	pv_ops.cpu.io_delay = paravirt_nop;
	pv_ops.irq.save_fl = lguest_save_fl;
	pv_ops.irq.irq_disable = paravirt_nop;
	pv_ops.irq.irq_enable = paravirt_nop;
}

const struct backend lguest_backend = { lguest_probe, lguest_install };
