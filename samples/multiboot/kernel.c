/* A kernel that finds out what it runs on while it is already running, and changes its pv_ops then. */
#include "console.h"
#include "descriptors.h"
#include "io.h"
#include "multiboot.h"
#include "paravirt.h"

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

extern void halt_forever(void) __attribute__((noreturn));

static const char *boot_loader_name(const struct multiboot_info *info)
{
	return info->flags & MULTIBOOT_INFO_BOOT_LOADER_NAME ? (const char *)info->boot_loader_name : "unknown";
}

/* True when the command line has `word` between blanks. */
static bool asked_for(const struct multiboot_info *info, const char *word)
{
	const char *line = info->flags & MULTIBOOT_INFO_CMDLINE ? (const char *)info->cmdline : "";

	while (*line) {
		const char *w = word;

		while (*w && *line == *w)
			line++, w++;
		if (!*w && (!*line || *line == ' '))
			return true;
		while (*line && *line != ' ')
			line++;
		while (*line == ' ')
			line++;
	}
	return false;
}

/* The 2006 proposal: the boot loader's name selects the backend. */
static void choose_backend(const char *loader)
{
	print("paravirt: started by ");
	print(loader);
	put('\n');
	if (sod_probe(loader))
		sod_install();
	pv_ops.init.banner();
}

static void load_tables(void)
{
	pv_ops.cpu.load_gdt(&gdt_register);
	load_segments();
	set_exception_gates();
	pv_ops.cpu.load_idt(&idt_register);
}

static void mask_interrupt_controllers(void)
{
	outb(PIC1_DATA, 0xff);
	pv_ops.cpu.io_delay();
	outb(PIC2_DATA, 0xff);
	pv_ops.cpu.io_delay();
}

static void print_interrupt_flag(const char *when)
{
	print("paravirt: interrupts ");
	print(when);
	print(pv_ops.irq.save_fl() ? ": on\n" : ": off\n");
}

void kernel_main(u32 magic, const struct multiboot_info *info)
{
	(void)magic;
	console_init();
	pv_ops.init.banner();
	load_tables();
	mask_interrupt_controllers();
	choose_backend(boot_loader_name(info));
	pv_ops.init.memory_setup(info);
	pv_ops.init.post_allocator_init();

	print_interrupt_flag("at entry");
	pv_ops.irq.irq_enable();
	print_interrupt_flag("enabled");
	pv_ops.irq.irq_disable();
	print_interrupt_flag("disabled");

	if (asked_for(info, "fault"))
		asm volatile("ud2");
	if (asked_for(info, "exit"))
		debug_exit(0);
	print("paravirt: halted\n");
	halt_forever();
}
