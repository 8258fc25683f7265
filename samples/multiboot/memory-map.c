/* Prints the memory that the loader found, entry by entry. */
#include "console.h"
#include "multiboot.h"
#include "paravirt.h"

#define AVAILABLE 1

static void print_range(const struct multiboot_memory_range *range)
{
	/* No range of a 32-bit machine is longer than 4 GiB, so the high halves only tell where it lies. */
	u32 last = range->base_low + range->length_low - 1;

	print("memory: ");
	if (range->base_high) {
		print_hex(range->base_high);
		put(':');
	}
	print_hex(range->base_low);
	print(" ... ");
	print_hex(last);
	print(range->type == AVAILABLE ? " available\n" : " reserved\n");
}

void native_memory_setup(const struct multiboot_info *info)
{
	u32 at = info->mmap_addr;
	u32 end = at + info->mmap_length;

	if (!(info->flags & MULTIBOOT_INFO_MEMORY_MAP)) {
		print("memory: the loader gave no map\n");
		return;
	}
	while (at < end) {
		const struct multiboot_memory_range *range = (const struct multiboot_memory_range *)at;

		print_range(range);
		at += range->size + sizeof(range->size);
	}
}
