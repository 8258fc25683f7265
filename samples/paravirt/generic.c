/* The backend of the generic entry of 2.6.20: ring 1 with the ports open (IOPL 1), on nothing that is known. */
#include "backends.h"
#include "console.h"
#include "paravirt.h"
#include "start.h"

/* The descriptor tables stay the hypervisor's. */
static void generic_load_table(const struct table_register *table)
{
	(void)table;
}

static u32 generic_save_fl(void)
{
	return 0;
}

static const char *generic_probe(const struct start *start)
{
	return start->kind == START_GENERIC ? "a probe knew the index in EBX" : NULL;
}

static void generic_install(void)
{
	pv_ops.info.kernel_rpl = 1;
	pv_ops.info.name = "a hypervisor of 2.6.20";
	pv_ops.cpu.load_gdt = generic_load_table;
	pv_ops.cpu.load_idt = generic_load_table;
	pv_ops.cpu.io_delay = paravirt_nop;
	pv_ops.irq.save_fl = generic_save_fl;
	pv_ops.irq.irq_disable = paravirt_nop;
	pv_ops.irq.irq_enable = paravirt_nop;
}

const struct backend generic_backend = { generic_probe, generic_install };
