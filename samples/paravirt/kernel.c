/* A kernel that finds out what it runs on while it is already running, and changes its pv_ops then. */
#include "backends.h"
#include "console.h"
#include "descriptors.h"
#include "io.h"
#include "late.h"
#include "multiboot.h"
#include "paravirt.h"
#include "start.h"

#define PIC1_DATA 0x21
#define PIC2_DATA 0xa1

void (*power_off)(void);
void (*console_elsewhere)(char character);

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

/* In the order of how sure each of them can be. */
static const struct backend *const backends[] = {
	&xen_backend, &lguest_backend, &generic_backend, &kvm_backend, &vmi_backend, &sod_backend,
};

/* What was there before the first print: who must not touch the ports says so here. */
static const struct backend *early_backend(const struct start *start)
{
	if (start->kind == START_XEN)
		return &xen_backend;
	if (start->kind == START_LGUEST)
		return &lguest_backend;
	return start->kind == START_GENERIC ? &generic_backend : NULL;
}

static void choose_backend(const struct start *start)
{
	u32 n;

	print("paravirt: started by ");
	print(boot_loader_name(start->info));
	put('\n');
	for (n = 0; n < sizeof(backends) / sizeof(backends[0]); n++) {
		const char *why = backends[n]->probe(start);

		if (why) {
			backends[n]->install();
			pv_ops.init.banner();
			print("paravirt: ");
			print(pv_ops.info.name);
			print(" because ");
			print(why);
			put('\n');
			return;
		}
	}
	pv_ops.init.banner();
	print("paravirt: native because nothing else was found\n");
}

static void load_tables(void)
{
	pv_ops.cpu.load_gdt(&gdt_register);
	if (pv_ops.info.kernel_rpl == 0)
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

static void leave(void)
{
	if (power_off)
		power_off();
	debug_exit(0);
}

static void print_interrupt_flag(const char *when)
{
	print("paravirt: interrupts ");
	print(when);
	print(pv_ops.irq.save_fl() ? ": on\n" : ": off\n");
}

static void run(const struct start *start)
{
	const struct multiboot_info *info = start->info;

	pv_ops.init.banner();
	load_tables();
	if (pv_ops.info.kernel_rpl == 0)
		mask_interrupt_controllers();
	choose_backend(start);
	pv_ops.init.memory_setup(info);
	pv_ops.init.post_allocator_init();

	print_interrupt_flag("at entry");
	pv_ops.irq.irq_enable();
	print_interrupt_flag("enabled");
	pv_ops.irq.irq_disable();
	print_interrupt_flag("disabled");

	if (asked_for(info, "fault"))
		asm volatile("ud2");
	if (asked_for(info, "late")) {
		late_module_init();
		print("paravirt: ");
		print(pv_ops.info.name);
		print(" because a module came\n");
	}
	if (asked_for(info, "exit"))
		leave();
	print("paravirt: halted\n");
	if (power_off)
		power_off();
	halt_forever();
}

void start_of_day(u32 kind, u32 magic, const void *information)
{
	static struct multiboot_info translated;
	struct start start = { kind, magic, information, &translated };
	const struct backend *early = early_backend(&start);

	switch (kind) {
	case START_MULTIBOOT:
	case START_PARAVIRT_HEADER:
		start.info = (struct multiboot_info *)information;
		break;
	case START_MULTIBOOT2:
		multiboot2_information(information, &translated);
		break;
	case START_PVH:
		pvh_information(information, &translated);
		break;
	case START_XEN:
		xen_information(information, &translated);
		break;
	case START_LGUEST:
	case START_GENERIC:
	case START_LINUX:
		linux_information(information, &translated);
		break;
	}
	if (early)
		early->install();
	if (!console_elsewhere)
		console_init();
	run(&start);
}
