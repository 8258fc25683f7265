/* What describes this image to those who read ELF notes, and to Xen of 2005, which read a string. */
	.macro note owner:req, type:req, directive:req, value:vararg
	.balign 4
	.long 2f - 1f
	.long 4f - 3f
	.long \type
1:	.asciz "\owner"
2:	.balign 4
3:	\directive \value
4:	.balign 4
	.endm

	.section .note.StartOfDay, "a", @note
	note "Start of Day", 1, .asciz, "paravirt sample"

	.section .note.Xen, "a", @note
	note "Xen", 6, .asciz, "Start of Day"       /* GUEST_OS */
	note "Xen", 8, .asciz, "generic"            /* LOADER */
	note "Xen", 5, .asciz, "xen-3.0"            /* XEN_VERSION */
	note "Xen", 1, .long, xen_entry             /* ENTRY, a virtual address */
	note "Xen", 2, .long, hypercall_page        /* HYPERCALL_PAGE */
	note "Xen", 3, .long, 0                     /* VIRT_BASE */
	note "Xen", 4, .long, 0                     /* PADDR_OFFSET */
	note "Xen", 9, .asciz, "yes"                /* PAE_MODE */
	note "Xen", 18, .long, pvh_entry            /* PHYS32_ENTRY, a physical address */

	.section __xen_guest, "", @progbits
	.ascii "GUEST_OS=Start of Day,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,PAE=yes,LOADER=generic"
	.byte 0

	.section .note.GNU-stack, "", @progbits
