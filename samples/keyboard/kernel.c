/* Counts timer interrupts and echoes keys. */
#include "console.h"
#include "descriptors.h"
#include "interrupts.h"
#include "io.h"
#include "multiboot.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1

/* Both 8259A: edge triggered, cascaded on line 2, vectors from IRQ_BASE, only the timer and the keyboard let through. */
static void interrupt_controllers_init(void)
{
	outb(PIC1_COMMAND, 0x11);
	outb(PIC2_COMMAND, 0x11);
	outb(PIC1_DATA, IRQ_BASE);
	outb(PIC2_DATA, IRQ_BASE + 8);
	outb(PIC1_DATA, 0x04);
	outb(PIC2_DATA, 0x02);
	outb(PIC1_DATA, 0x01);
	outb(PIC2_DATA, 0x01);
	outb(PIC1_DATA, 0xfc);
	outb(PIC2_DATA, 0xff);
}

void kernel_main(u32 magic, const struct multiboot_info *info)
{
	(void)magic;
	(void)info;
	console_init();
	print("keyboard: type, q leaves\n");

	asm volatile("lgdt %0" : : "m"(gdt_register));
	load_segments();
	set_exception_gates();
	set_gate(IRQ_BASE + 0, timer_interrupt);
	set_gate(IRQ_BASE + 1, keyboard_interrupt);
	asm volatile("lidt %0" : : "m"(idt_register));

	interrupt_controllers_init();
	timer_init();
	keyboard_init();
	print("keyboard: interrupts on\n");

	for (;;)
		asm volatile("sti\n\thlt" : : : "memory");
}
