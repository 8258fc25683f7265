/*
 * A guest of the hypervisor in mine.mjs: it finds out by CPUID where it stands, prints, asks for the time and shuts down by hypercalls,
 * and lets the hypervisor emulate an instruction that no CPU has. On bare hardware it says nothing and halts.
 */
#include "multiboot.h"

/* The interface, as mine.mjs has it: the number in EAX, arguments in EBX and ECX, the result in EAX. */
enum { CALL_PRINT = 1, CALL_NOW = 2, CALL_SHUTDOWN = 3 };
#define SIGNATURE_LEAF 0x40000000
#define BOOTS_MSR 0x4d494e45

static u32 hypercall(u32 number, u32 first, u32 second)
{
	u32 result;

	asm volatile("vmcall" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
	return result;
}

static void print(const char *text)
{
	u32 length = 0;

	while (text[length])
		length++;
	hypercall(CALL_PRINT, (u32)text, length);
}

static void print_number(u32 value)
{
	char digits[11];
	u32 at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = '0' + value % 10;
	while (value /= 10);
	print(digits + at);
}

static int on_mine(void)
{
	u32 eax = SIGNATURE_LEAF, ebx, ecx, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	/* "MineMineMine" */
	return ebx == 0x656e694d && ecx == 0x656e694d && edx == 0x656e694d;
}

/* UD2 and a marker: every CPU raises #UD, and the hypervisor that knows the marker gives a random number in EAX. */
static u32 emulated_random(void)
{
	u32 value;

	asm volatile("ud2; .ascii \"mine\"" : "=a"(value));
	return value;
}

static u32 read_msr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return low;
}

void kernel_main(u32 magic, const struct multiboot_info *info)
{
	(void)magic;
	(void)info;
	if (!on_mine())
		return;
	print("guest: this is Mine\n");
	print("guest: boots so far ");
	print_number(read_msr(BOOTS_MSR));
	print("\nguest: a random number ");
	print_number(emulated_random());
	print("\nguest: nanoseconds since power-on ");
	print_number(hypercall(CALL_NOW, 0, 0));
	print("\n");
	hypercall(CALL_SHUTDOWN, 0, 0);
}
