/*
 * "Some day a kernel module registers pv_ops late": what such a module would do, run when the kernel has long booted natively and the word
 * "late" is on its command line.
 */
#include "console.h"
#include "late.h"
#include "paravirt.h"

static void late_io_delay(void)
{
}

void late_module_init(void)
{
	print("late: io_delay taken over by a module, after a boot as ");
	print(pv_ops.info.name);
	put('\n');
	pv_ops.info.name = "bare hardware with a late module";
	pv_ops.cpu.io_delay = late_io_delay;
}
