/* An ELF note of this kernel's own. A kernel that also starts on Xen describes its entry in notes named "Xen". */
	.section .note.StartOfDay, "a", @note
	.balign 4
	.long name_end - name
	.long description_end - description
	.long 1 /* type: what the sample is */
name:
	.asciz "Start of Day"
name_end:
	.balign 4
description:
	.asciz "paravirt sample"
description_end:
	.balign 4

	.section .note.GNU-stack, "", @progbits
