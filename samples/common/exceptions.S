/* One stub per exception: each pushes a zero where the CPU pushes no error code, then its vector. */

	.macro exception vector
	.type exception_\vector, @function
exception_\vector:
	.if !((\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21))
	pushl $0
	.endif
	pushl $\vector
	jmp exception_common
	.size exception_\vector, . - exception_\vector
	.endm

	.macro stub vector
	.long exception_\vector
	.endm

	/* Lets %vector below stand for the number, not for the word. */
	.altmacro

	.text
	.set vector, 0
	.rept 32
	exception %vector
	.set vector, vector + 1
	.endr

	.type exception_common, @function
exception_common:
	pushal
	cld
	pushl %esp
	call report_exception
	.size exception_common, . - exception_common

	.section .rodata
	.balign 4
	.globl exception_stubs
	.type exception_stubs, @object
exception_stubs:
	.set vector, 0
	.rept 32
	stub %vector
	.set vector, vector + 1
	.endr
	.size exception_stubs, . - exception_stubs

	.section .note.GNU-stack, "", @progbits
