/* Interrupt gates enter here with interrupts off. C may change EAX, ECX and EDX: the interrupted code must not notice. */

	.macro interrupt name, handler
	.globl \name
	.type \name, @function
\name:
	pushl %eax
	pushl %ecx
	pushl %edx
	cld
	call \handler
	/* End of interrupt, to the first controller. */
	movb $0x20, %al
	outb %al, $0x20
	popl %edx
	popl %ecx
	popl %eax
	iretl
	.size \name, . - \name
	.endm

	.text
	interrupt timer_interrupt, timer_tick
	interrupt keyboard_interrupt, keyboard_key

	.section .note.GNU-stack, "", @progbits
