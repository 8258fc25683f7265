/*
 * Runs MMX and SSE instructions on the CPU of this computer and says what they did.
 *
 * stdin: `struct input` records; stdout: a `struct output` for each. As in native-oracle.c the code page is full of int3, and the signal
 * handler goes from one record to the next. Before each instruction stands an FXRSTOR of the record's image; the state afterwards
 * is the FXSAVE image that the kernel puts in the signal frame.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	RESERVED = 0x10000000, /* up to RESERVED_END nothing else is mapped */
	RESERVED_END = 0x14000000,
	CODE = 0x11000000,
	FIRST_INSTRUCTION = CODE + 0x800,
	DATA = 0x12000000, /* a page to write, a read-only one, then a missing one */
	READ_ONLY = DATA + 0x1000,
	IMAGE = 0x13000000,
	PAGE = 0x1000,
	WINDOW = 640, /* bytes at the end of the data page that records show */
	FX_SIZE = 512,
	LEGACY_FRAME = 112, /* what lies before the FXSAVE image in a 32-bit signal frame */
	BREAKPOINT = 3,
};

struct input {
	uint32_t registers[8]; /* in encoding order */
	uint32_t eflags;
	uint32_t length;
	uint8_t code[16];
	uint8_t fx[FX_SIZE];
	uint8_t data[WINDOW];
};

struct output {
	uint32_t registers[8];
	uint32_t eflags;
	uint32_t eip;
	uint32_t vector; /* 3: no fault */
	uint32_t error;
	uint32_t address; /* CR2, for vector 14 */
	uint8_t fx[FX_SIZE];
	uint8_t data[WINDOW];
};

static const int REGISTER[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
/* fxrstor [IMAGE] */
static const uint8_t RESTORE[] = {0x0f, 0xae, 0x0d, IMAGE & 0xff, IMAGE >> 8 & 0xff, IMAGE >> 16 & 0xff, IMAGE >> 24 & 0xff};
static uint8_t *const data_window = (uint8_t *)(DATA + PAGE - WINDOW);
static struct input input;
static uint32_t limited; /* FS: bytes 0 to 0xfff of the data page */
static int running;

static void die(const char *what) {
	perror(what);
	_exit(1);
}

static void handle(int signal, siginfo_t *info, void *frame) {
	/* The handler itself is not to be checked for alignment. */
	__asm__ volatile("pushfl; andl $~0x40000, (%%esp); popfl" ::: "memory", "cc");
	(void)signal;
	(void)info;
	mcontext_t *machine = &((ucontext_t *)frame)->uc_mcontext;
	if (running) {
		static struct output output;
		for (int n = 0; n < 8; n++)
			output.registers[n] = machine->gregs[REGISTER[n]];
		output.eflags = machine->gregs[REG_EFL];
		output.vector = machine->gregs[REG_TRAPNO];
		output.eip = machine->gregs[REG_EIP] - (output.vector == BREAKPOINT ? 1 : 0);
		output.error = machine->gregs[REG_ERR];
		output.address = machine->cr2;
		memcpy(output.fx, (uint8_t *)machine->fpregs + LEGACY_FRAME, FX_SIZE);
		memcpy(output.data, data_window, WINDOW);
		fwrite(&output, sizeof output, 1, stdout);
		memset((void *)FIRST_INSTRUCTION, 0xcc, sizeof input.code);
	}
	running = 1;
	if (fread(&input, sizeof input, 1, stdin) != 1) {
		fflush(stdout);
		_exit(0);
	}
	memcpy((void *)FIRST_INSTRUCTION, input.code, input.length);
	memcpy((void *)(FIRST_INSTRUCTION - sizeof RESTORE), RESTORE, sizeof RESTORE);
	memcpy((void *)IMAGE, input.fx, FX_SIZE);
	memcpy(data_window, input.data, WINDOW);
	for (int n = 0; n < 8; n++)
		machine->gregs[REGISTER[n]] = input.registers[n];
	machine->gregs[REG_EFL] = input.eflags;
	machine->gregs[REG_EIP] = FIRST_INSTRUCTION - sizeof RESTORE;
	machine->gregs[REG_FS] = limited;
}

static void map(uint32_t address, int protection) {
	if (mmap((void *)address, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		die("mmap");
}

int main(void) {
	if (mmap((void *)RESERVED, RESERVED_END - RESERVED, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		die("mmap");
	map(CODE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map(DATA, PROT_READ | PROT_WRITE);
	map(READ_ONLY, PROT_READ | PROT_WRITE);
	map(IMAGE, PROT_READ | PROT_WRITE);
	memset((void *)CODE, 0xcc, PAGE);
	memset((void *)DATA, 0, PAGE);
	for (int n = 0; n < PAGE; n++)
		((uint8_t *)READ_ONLY)[n] = n * 7 + 3;
	mprotect((void *)READ_ONLY, PAGE, PROT_READ);
	struct user_desc descriptor = {.entry_number = -1, .base_addr = DATA, .limit = PAGE - 1, .seg_32bit = 1, .useable = 1};
	if (syscall(SYS_set_thread_area, &descriptor) != 0)
		die("set_thread_area");
	limited = descriptor.entry_number * 8 + 3;

	stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
	sigaltstack(&alternate, NULL);
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
	for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++)
		sigaction(signals[n], &action, NULL);
	alarm(60);
	__asm__("int3");
	return 1;
}
