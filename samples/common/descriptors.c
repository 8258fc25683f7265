#include "descriptors.h"
#include "console.h"

#define GATES 256
#define EXCEPTIONS 32
#define INTERRUPT_GATE 0x8e00

struct segment_descriptor {
	u32 low, high;
};

struct gate {
	u32 low, high;
};

/* What exception_common of exceptions.S has pushed, lowest address first. */
struct exception_frame {
	u32 edi, esi, ebp, esp, ebx, edx, ecx, eax;
	u32 vector, error_code;
	u32 eip, cs, eflags;
};

extern void (*const exception_stubs[EXCEPTIONS])(void);
extern void halt_forever(void) __attribute__((noreturn));

/* Base 0, limit 4 GiB, ring 0: code, then data. */
static struct segment_descriptor gdt[] = {
	{ 0, 0 },
	{ 0x0000ffff, 0x00cf9a00 },
	{ 0x0000ffff, 0x00cf9200 },
};

static struct gate idt[GATES];

const struct table_register gdt_register = { sizeof(gdt) - 1, (u32)gdt };
const struct table_register idt_register = { sizeof(idt) - 1, (u32)idt };

void load_segments(void)
{
	asm volatile("ljmp %0, $1f\n"
		     "1:\n\t"
		     "movl %1, %%ds\n\t"
		     "movl %1, %%es\n\t"
		     "movl %1, %%fs\n\t"
		     "movl %1, %%gs\n\t"
		     "movl %1, %%ss"
		     : : "i"(KERNEL_CODE), "r"(KERNEL_DATA) : "memory");
}

void set_gate(u32 vector, void (*handler)(void))
{
	u32 address = (u32)handler;

	idt[vector].low = (KERNEL_CODE << 16) | (address & 0xffff);
	idt[vector].high = (address & 0xffff0000) | INTERRUPT_GATE;
}

void set_exception_gates(void)
{
	u32 vector;

	for (vector = 0; vector < EXCEPTIONS; vector++)
		set_gate(vector, exception_stubs[vector]);
}

/* Called by exception_common. There is nobody to mend the cause, so it is the end. */
void report_exception(const struct exception_frame *frame)
{
	print("exception ");
	print_decimal(frame->vector);
	print(", error code ");
	print_hex(frame->error_code);
	print(", at ");
	print_hex(frame->eip);
	put('\n');
	halt_forever();
}
