/* Multiboot 0.6.96: the header of the image and the information structure that EBX points to. */
#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define MULTIBOOT_LOADER_MAGIC 0x2badb002

#define MULTIBOOT_HEADER_PAGE_ALIGN 0x1
#define MULTIBOOT_HEADER_MEMORY_INFO 0x2

#define MULTIBOOT_INFO_CMDLINE 0x4
#define MULTIBOOT_INFO_MEMORY_MAP 0x40
#define MULTIBOOT_INFO_BOOT_LOADER_NAME 0x200

#ifndef __ASSEMBLER__

#include "types.h"

struct multiboot_info {
	u32 flags;
	u32 mem_lower;
	u32 mem_upper;
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives_length;
	u32 drives_addr;
	u32 config_table;
	u32 boot_loader_name;
};

/* `size` counts what follows it: the next entry is at this one + size + 4. */
struct multiboot_memory_range {
	u32 size;
	u32 base_low;
	u32 base_high;
	u32 length_low;
	u32 length_high;
	u32 type;
} __attribute__((packed));

#endif
#endif
