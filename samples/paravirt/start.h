/* The ways into this kernel, and what each of them was given. */
#ifndef START_H
#define START_H

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_LOADER_MAGIC 0x36d76289
/* The proposal of 2006: another magic number in EAX, and a second header that names the entry of a boot by a hypervisor. */
#define PARAVIRT_HEADER_MAGIC 0x1badb006

#define START_MULTIBOOT 0
#define START_MULTIBOOT2 1
#define START_PARAVIRT_HEADER 2
#define START_PVH 3
#define START_XEN 4
#define START_LGUEST 5
#define START_GENERIC 6
#define START_LINUX 7

/* hardware_subarch of struct boot_params (Linux boot protocol 2.07). */
#define BOOT_PARAMS_SUBARCH 0x23c
#define SUBARCH_LGUEST 1

/* lguest as in Linux 2.6.32: number in EAX, arguments in EBX and on. */
#define LHCALL_LGUEST_INIT 1
#define LGUEST_DATA_SIZE 0x574
/* The guest's own fields, at the end: where its kernel begins, and the vector of its system calls. */
#define LGUEST_DATA_KERNEL_ADDRESS 0x56c
#define LGUEST_SYSCALL_VECTOR 0x80

#endif
