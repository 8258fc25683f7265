/* The backend for the machine of Start of Day. It is installed late: until sod_install the kernel believes in bare hardware. */
#include "console.h"
#include "io.h"
#include "paravirt.h"

#define LOADER_NAME "Start of Day"
#define EFLAGS_IF 0x200
/* Each byte written here appears on the host's console. */
#define HOST_CONSOLE 0xe9

/* Kept beside EFLAGS.IF, as a hypervisor that never traps CLI and STI would have it. */
static u32 sod_interrupt_flag;

static void sod_banner(void)
{
	const char *text = "paravirt: hello, host\n";

	print("paravirt: running on ");
	print(pv_ops.info.name);
	print(", as the boot loader's name says\n");
	while (*text)
		outb(HOST_CONSOLE, *text++);
}

/* The machine's ports answer at once. */
static void sod_io_delay(void)
{
}

static u32 sod_save_fl(void)
{
	return sod_interrupt_flag;
}

static void sod_irq_disable(void)
{
	sod_interrupt_flag = 0;
	asm volatile("cli" : : : "memory");
}

static void sod_irq_enable(void)
{
	sod_interrupt_flag = EFLAGS_IF;
	asm volatile("sti" : : : "memory");
}

bool sod_probe(const char *boot_loader_name)
{
	const char *start, *a, *b;

	for (start = boot_loader_name; *start; start++) {
		for (a = start, b = LOADER_NAME; *b && *a == *b; a++, b++)
			;
		if (!*b)
			return true;
	}
	return false;
}

void sod_install(void)
{
	pv_ops.info.name = "Start of Day";
	pv_ops.init.banner = sod_banner;
	pv_ops.cpu.io_delay = sod_io_delay;
	pv_ops.irq.save_fl = sod_save_fl;
	pv_ops.irq.irq_disable = sod_irq_disable;
	pv_ops.irq.irq_enable = sod_irq_enable;
}
