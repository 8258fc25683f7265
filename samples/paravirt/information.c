/* The structures of other boot protocols, brought into the form of Multiboot 1. */
#include "backends.h"

#define TAG_END 0
#define TAG_COMMAND_LINE 1
#define TAG_LOADER_NAME 2
#define TAG_MEMORY_MAP 6
#define BOOT_PARAMS_CMD_LINE_PTR 0x228
#define BOOT_PARAMS_E820_ENTRIES 0x1e8
#define BOOT_PARAMS_E820_TABLE 0x2d0
#define MOST_RANGES 16

static struct multiboot_memory_range ranges[MOST_RANGES];

/* `map`: entries of `size` bytes that begin with base, length (64 bits each) and type. */
static void take_map(const u8 *map, u32 count, u32 size, struct multiboot_info *info)
{
	u32 n;

	if (count > MOST_RANGES)
		count = MOST_RANGES;
	for (n = 0; n < count; n++) {
		const u32 *entry = (const u32 *)(map + n * size);

		ranges[n].size = sizeof(ranges[n]) - sizeof(ranges[n].size);
		ranges[n].base_low = entry[0];
		ranges[n].base_high = entry[1];
		ranges[n].length_low = entry[2];
		ranges[n].length_high = entry[3];
		ranges[n].type = entry[4];
	}
	info->flags |= MULTIBOOT_INFO_MEMORY_MAP;
	info->mmap_addr = (u32)ranges;
	info->mmap_length = count * sizeof(ranges[0]);
}

void multiboot2_information(const void *tags, struct multiboot_info *info)
{
	const u8 *tag = (const u8 *)tags + 8;
	u32 type;

	while ((type = ((const u32 *)tag)[0]) != TAG_END) {
		u32 size = ((const u32 *)tag)[1];

		if (type == TAG_COMMAND_LINE) {
			info->flags |= MULTIBOOT_INFO_CMDLINE;
			info->cmdline = (u32)tag + 8;
		} else if (type == TAG_LOADER_NAME) {
			info->flags |= MULTIBOOT_INFO_BOOT_LOADER_NAME;
			info->boot_loader_name = (u32)tag + 8;
		} else if (type == TAG_MEMORY_MAP) {
			u32 entry = ((const u32 *)tag)[2];

			take_map(tag + 16, (size - 16) / entry, entry, info);
		}
		tag += (size + 7) & ~7u;
	}
}

/* struct hvm_start_info, version 1: magic, version, flags, nr_modules, modlist, cmdline, rsdp, memmap (64 bits each from there), entries. */
void pvh_information(const void *start_info, struct multiboot_info *info)
{
	const u32 *words = start_info;

	info->flags = MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
	info->cmdline = words[6];
	info->boot_loader_name = (u32) "a PVH loader";
	if (words[1] >= 1)
		take_map((const u8 *)words[10], words[12], 24, info);
}

void linux_information(const void *boot_params, struct multiboot_info *info)
{
	const u8 *bytes = boot_params;

	info->flags = MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
	info->cmdline = *(const u32 *)(bytes + BOOT_PARAMS_CMD_LINE_PTR);
	info->boot_loader_name = (u32) "a Linux boot loader";
	take_map(bytes + BOOT_PARAMS_E820_TABLE, bytes[BOOT_PARAMS_E820_ENTRIES], 20, info);
}
