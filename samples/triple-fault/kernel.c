/*
 * Dies of an exception that nobody can catch: no IDT was ever loaded, so the CPU can deliver neither #UD, nor the #GP or
 * double fault that follows from it, and shuts down.
 */
#include "console.h"
#include "multiboot.h"

static void __attribute__((noinline)) die(void)
{
	asm volatile("ud2");
}

void kernel_main(u32 magic, const struct multiboot_info *info)
{
	(void)magic;
	(void)info;
	console_init();
	print("triple-fault: no IDT is loaded, executing ud2 in die()\n");
	die();
	print("triple-fault: still alive\n");
}
