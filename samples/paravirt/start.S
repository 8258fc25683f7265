/* Every first instruction of this kernel. Each entry notes which one it is, has a stack, and calls start_of_day(kind, magic, pointer). */
#include "multiboot.h"
#include "start.h"

#define HEADER_FLAGS (MULTIBOOT_HEADER_PAGE_ALIGN | MULTIBOOT_HEADER_MEMORY_INFO)

	.section .multiboot, "a", @progbits
	.balign 4
	.long MULTIBOOT_HEADER_MAGIC
	.long HEADER_FLAGS
	.long -(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

	.long PARAVIRT_HEADER_MAGIC
	.long 0
	.long -PARAVIRT_HEADER_MAGIC
	.long paravirt_header_entry

	.section .multiboot2, "a", @progbits
	.balign 8
multiboot2_header:
	.long MULTIBOOT2_HEADER_MAGIC
	.long 0 /* i386 */
	.long multiboot2_header_end - multiboot2_header
	.long -(MULTIBOOT2_HEADER_MAGIC + (multiboot2_header_end - multiboot2_header))
	.balign 8
	.short 1, 0 /* information request: command line, boot loader name, memory map */
	.long 20
	.long 1, 2, 6
	.balign 8
	.short 0, 0
	.long 8
multiboot2_header_end:

	.text
	.globl _start
	.type _start, @function
_start:
	/* Boot loaders say who they are in EAX. */
	cmpl $MULTIBOOT_LOADER_MAGIC, %eax
	je multiboot_entry
	cmpl $MULTIBOOT2_LOADER_MAGIC, %eax
	je multiboot2_entry
	/* Linux's way: ESI points to boot_params, whose hardware_subarch names the hypervisor. */
	cmpl $SUBARCH_LGUEST, BOOT_PARAMS_SUBARCH(%esi)
	je lguest_entry
	/* The generic entry of 2.6.20: whoever is not in ring 0 stands on some hypervisor, and a probe knows which. */
	movl %cs, %ecx
	testl $3, %ecx
	jnz startup_paravirt
	movl $START_LINUX, %ebp
	movl %esi, %edx
	jmp enter
	.size _start, . - _start

multiboot_entry:
	movl $START_MULTIBOOT, %ebp
	movl %ebx, %edx
	jmp enter

multiboot2_entry:
	movl $START_MULTIBOOT2, %ebp
	movl %ebx, %edx
	jmp enter

	/* Named by the paravirt header: EAX is the hypervisor's own magic number, EBX points to a Multiboot information structure. */
	.globl paravirt_header_entry
paravirt_header_entry:
	movl $START_PARAVIRT_HEADER, %ebp
	movl %ebx, %edx
	jmp enter

	/* Named by the note PHYS32_ENTRY: EBX points to struct hvm_start_info. */
	.globl pvh_entry
pvh_entry:
	movl $START_PVH, %ebp
	movl %ebx, %edx
	jmp enter

	/* Named by the note ENTRY and by __xen_guest: ring 1, paging on, a stack, ESI points to struct start_info. */
	.globl xen_entry
xen_entry:
	movl $START_XEN, %ebp
	movl %esi, %edx
	jmp enter

	/* Found by lguest through its first hypercall: paging on, ring 1, boot_params at 0. */
	.globl lguest_entry
	.type lguest_entry, @function
lguest_entry:
	movl $LHCALL_LGUEST_INIT, %eax
	movl $lguest_data, %ebx
	vmcall
	movl $START_LGUEST, %ebp
	xorl %edx, %edx
	jmp enter
	.size lguest_entry, . - lguest_entry

	/* EBX is the hypervisor's index. Each probe gets it in EAX; the one that knows it does not come back. */
	.globl startup_paravirt
startup_paravirt:
	movl $stack_top, %esp
	movl $__start_paravirtprobe, %edi
1:	cmpl $__stop_paravirtprobe, %edi
	je unhandled_paravirt
	movl %ebx, %eax
	call *(%edi)
	addl $4, %edi
	jmp 1b
unhandled_paravirt:
	ud2

	.globl generic_entry
generic_entry:
	movl $START_GENERIC, %ebp
	movl %esi, %edx

	/* EBP is the kind of entry, EAX what it held, EDX the structure. */
enter:
	movl $stack_top, %esp
	movl %eax, %esi
	/* The direction flag is not promised. */
	cld
	movl $__bss_start, %edi
	movl $__bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	/* The arithmetic flags, NT and AC; in ring 1 the rest stays as it is. */
	pushl $0
	cmpl $START_XEN, %ebp
	je 2f
	popfl
	pushl $0
2:	addl $4, %esp
	pushl %edx
	pushl %esi
	pushl %ebp
	call start_of_day

	.globl halt_forever
	.type halt_forever, @function
halt_forever:
	cli
1:	hlt
	jmp 1b
	.size halt_forever, . - halt_forever

	/* struct lguest_data of 2.6.32: what host and guest share. */
	.data
	.balign 4
	.globl lguest_data
	.type lguest_data, @object
lguest_data:
	.skip LGUEST_DATA_KERNEL_ADDRESS
	.long 0xc0000000
	.long LGUEST_SYSCALL_VECTOR
	.size lguest_data, LGUEST_DATA_SIZE

	/* What startup_paravirt walks. */
	.section .paravirtprobe, "a", @progbits
	.balign 4
	.long probe_index

	.text
	/* Index 0 is Xen's; this kernel answers to any other: it takes the ops that need nothing of the hypervisor. */
probe_index:
	testl %eax, %eax
	jz 1f
	jmp generic_entry
1:	ret

	/* Xen writes the hypercalls here, 32 bytes each. */
	.balign 4096
	.globl hypercall_page
hypercall_page:
	.fill 4096, 1, 0x90

	/* Not cleared with the rest: it is below __bss_start, and in use by then. */
	.section .stack, "aw", @nobits
	.balign 16
	.skip 8192
stack_top:

	.section .note.GNU-stack, "", @progbits
