/* The backends of pv_ops, and what chooses among them. */
#ifndef BACKENDS_H
#define BACKENDS_H

#include "multiboot.h"
#include "types.h"

/* How and with what the kernel was started. */
struct start {
	/* START_... */
	u32 kind;
	/* EAX at the entry. */
	u32 magic;
	/* The structure of the entry. */
	const void *information;
	/* The same for every entry: command line, name of the loader, memory map. */
	struct multiboot_info *info;
};

struct backend {
	/* Why the backend was chosen, to complete "because ..."; NULL when it does not apply. */
	const char *(*probe)(const struct start *start);
	void (*install)(void);
};

extern const struct backend xen_backend, lguest_backend, vmi_backend, kvm_backend, generic_backend, sod_backend;

/* Ends the machine in the way of what it runs on; NULL: by the debug exit port. */
extern void (*power_off)(void);
/* Puts a character where COM1 and the screen are not ours; NULL: they are. */
extern void (*console_elsewhere)(char character);

/* Fills `info` from the structures of other boot protocols. */
void multiboot2_information(const void *tags, struct multiboot_info *info);
void pvh_information(const void *start_info, struct multiboot_info *info);
void xen_information(const void *start_info, struct multiboot_info *info);
void linux_information(const void *boot_params, struct multiboot_info *info);

#endif
