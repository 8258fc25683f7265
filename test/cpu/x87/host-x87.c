/*
 * Runs x87 instructions on the CPU of this computer. stdin: `struct input` records; stdout: a `struct output` for each.
 * Nothing here waits for a pending exception (FNSAVE does not), so that unmasked ones are seen in the status word.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
	IMAGE = 108,
	DATA = 128,
	CODE = 16,
	CODE_ADDRESS = 0x11000000, /* pointers to these are compared */
	DATA_ADDRESS = 0x12000000,
	PAGE = 4096,
};

struct input {
	uint8_t image[IMAGE]; /* as FRSTOR loads it */
	uint32_t eflags;
	uint8_t code[CODE]; /* one instruction; memory operands at [ebx] */
	uint8_t data[DATA];
};

struct output {
	uint8_t image[IMAGE]; /* as FNSAVE stores it */
	uint32_t eflags, eax;
	uint8_t data[DATA];
};

int main(void) {
	uint8_t *code = mmap((void *)CODE_ADDRESS, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	uint8_t *data = mmap((void *)DATA_ADDRESS, PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (code == MAP_FAILED || data == MAP_FAILED)
		return 1;
	static struct input input;
	static struct output output;
	while (fread(&input, sizeof input, 1, stdin) == 1) {
		uint32_t eax = 0x12345678, eflags = input.eflags;
		memcpy(code, input.code, CODE);
		memcpy(data, input.data, DATA);
		memset(output.image, 0, IMAGE);
		__asm__ volatile(
			"frstor %[in]\n\t"
			"push %[flags]\n\t"
			"popf\n\t"
			"call *%[code]\n\t"
			"fnsave %[out]\n\t"
			"pushf\n\t"
			"pop %[flags]\n\t"
			"fninit"
			: [out] "=m"(output.image), "+a"(eax), [flags] "+S"(eflags)
			: [in] "m"(input.image), [code] "D"(code), "b"(data)
			: "memory", "cc");
		memcpy(output.data, data, DATA);
		output.eflags = eflags;
		output.eax = eax;
		fwrite(&output, sizeof output, 1, stdout);
	}
	return 0;
}
