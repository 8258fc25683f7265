/* The first instruction. A Multiboot loader promises EAX, EBX and flat segments, and nothing else: no stack, no GDT, no IDT. */
#include "multiboot.h"

#define HEADER_FLAGS (MULTIBOOT_HEADER_PAGE_ALIGN | MULTIBOOT_HEADER_MEMORY_INFO)

	.section .multiboot, "a", @progbits
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

	.text
	.globl _start
	.type _start, @function
_start:
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	jne wrong_loader
	movl $stack_top, %esp
	movl %eax, %edx

	/* The direction flag is not promised. */
	cld
	movl $__bss_start, %edi
	movl $__bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	pushl $0
	popfl
	pushl %ebx
	pushl %edx
	call kernel_main
	.size _start, . - _start

	.globl halt_forever
	.type halt_forever, @function
halt_forever:
	cli
1:	hlt
	jmp 1b
	.size halt_forever, . - halt_forever

	/* Who started this kernel is unknown, so is what it left in memory: only stop. */
	.type wrong_loader, @function
wrong_loader:
	jmp halt_forever
	.size wrong_loader, . - wrong_loader

	/* Not cleared with the rest: it is below __bss_start, and in use by then. */
	.section .stack, "aw", @nobits
	.balign 16
	.skip 8192
stack_top:

	.section .note.GNU-stack, "", @progbits
