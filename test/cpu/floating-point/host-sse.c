/*
 * Runs scalar SSE and SSE2 arithmetic of this computer on boundary-biased operands; writes one record for each.
 * Built by binary-arithmetic.test.ts.
 */
#include <stdint.h>
#include <stdio.h>

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, SQUARE_ROOT, TO_INTEGER, TRUNCATE, FROM_INTEGER, CONVERT, UNORDERED_COMPARE, COMPARE, OPERATIONS };

struct record {
	uint32_t operation, width, control, status;
	uint64_t a, b, result;
};

static uint32_t state = 12345;

static uint32_t word(void) {
	state += 0x6d2b79f5;
	uint32_t t = (state ^ (state >> 15)) * (1 | state);
	t = (t + ((t ^ (t >> 7)) * (61 | t))) ^ t;
	return t ^ (t >> 14);
}

static uint64_t fraction(int bits) {
	uint64_t random = ((uint64_t)word() << 32 | word()) & (((uint64_t)1 << bits) - 1);
	switch (word() % 6) {
	case 0: return 0;
	case 1: return ((uint64_t)1 << bits) - 1;
	case 2: return (uint64_t)1 << word() % bits;
	case 3: return random & -((uint64_t)1 << word() % bits);
	default: return random;
	}
}

static uint64_t number(int exponent_bits, int fraction_bits, int near) {
	uint32_t top = (1u << exponent_bits) - 1, bias = top >> 1, exponent;
	switch (word() % 8) {
	case 0: exponent = 0; break;
	case 1: exponent = top; break;
	case 2: exponent = top - 1 - word() % 3; break;
	case 3: exponent = 1 + word() % 3; break;
	case 4: exponent = word() & top; break;
	default: exponent = bias - 34 + word() % 68; break;
	}
	if (near >= 0 && word() % 3 == 0)
		exponent = (near + word() % 7 - 3) & top;
	return (uint64_t)(word() & 1) << (exponent_bits + fraction_bits) | (uint64_t)exponent << fraction_bits | fraction(fraction_bits);
}

#define BINARY(name) \
	if (r.width == 32) \
		__asm__ volatile("ldmxcsr %3; movss %1, %%xmm0; " name "ss %2, %%xmm0; movss %%xmm0, %0" \
			: "=m"(r.result) : "m"(r.a), "m"(r.b), "m"(r.control) : "xmm0"); \
	else \
		__asm__ volatile("ldmxcsr %3; movsd %1, %%xmm0; " name "sd %2, %%xmm0; movsd %%xmm0, %0" \
			: "=m"(r.result) : "m"(r.a), "m"(r.b), "m"(r.control) : "xmm0"); \
	break
#define INTEGER(single, wide) \
	if (r.width == 32) \
		__asm__ volatile("ldmxcsr %2; " single " %1, %0" : "=r"(integer) : "m"(r.a), "m"(r.control)); \
	else \
		__asm__ volatile("ldmxcsr %2; " wide " %1, %0" : "=r"(integer) : "m"(r.a), "m"(r.control)); \
	r.result = integer; \
	break
#define FLAGS(single, wide) \
	if (r.width == 32) \
		__asm__ volatile("ldmxcsr %3; movss %1, %%xmm0; " single " %2, %%xmm0; pushfl; popl %0" \
			: "=r"(integer) : "m"(r.a), "m"(r.b), "m"(r.control) : "xmm0", "cc"); \
	else \
		__asm__ volatile("ldmxcsr %3; movsd %1, %%xmm0; " wide " %2, %%xmm0; pushfl; popl %0" \
			: "=r"(integer) : "m"(r.a), "m"(r.b), "m"(r.control) : "xmm0", "cc"); \
	r.result = integer & 0x45; \
	break

int main(void) {
	for (int n = 0; n < 60000; n++) {
		static struct record r;
		uint32_t integer = 0, initial = 0x1f80;
		r.operation = n % OPERATIONS;
		r.width = word() & 1 ? 32 : 64;
		r.control = 0x1f80 | (word() & 3) << 13 | (word() % 4 ? 0 : 0x8000) | (word() % 4 ? 0 : 0x40);
		int exponent_bits = r.width == 32 ? 8 : 11, fraction_bits = r.width == 32 ? 23 : 52;
		r.a = number(exponent_bits, fraction_bits, -1);
		r.b = word() % 16 ? number(exponent_bits, fraction_bits, r.a >> fraction_bits & ((1 << exponent_bits) - 1)) : r.a;
		r.result = 0;
		switch (r.operation) {
		case ADD: BINARY("add");
		case SUBTRACT: BINARY("sub");
		case MULTIPLY: BINARY("mul");
		case DIVIDE: BINARY("div");
		case SQUARE_ROOT: r.b = r.a; BINARY("sqrt");
		case TO_INTEGER: INTEGER("cvtss2si", "cvtsd2si");
		case TRUNCATE: INTEGER("cvttss2si", "cvttsd2si");
		case FROM_INTEGER:
			r.a = word() >> word() % 32;
			if (r.width == 32)
				__asm__ volatile("ldmxcsr %2; cvtsi2ssl %1, %%xmm0; movss %%xmm0, %0" : "=m"(r.result) : "m"(r.a), "m"(r.control) : "xmm0");
			else
				__asm__ volatile("ldmxcsr %2; cvtsi2sdl %1, %%xmm0; movsd %%xmm0, %0" : "=m"(r.result) : "m"(r.a), "m"(r.control) : "xmm0");
			break;
		case CONVERT:
			if (r.width == 32)
				__asm__ volatile("ldmxcsr %2; cvtss2sd %1, %%xmm0; movsd %%xmm0, %0" : "=m"(r.result) : "m"(r.a), "m"(r.control) : "xmm0");
			else
				__asm__ volatile("ldmxcsr %2; cvtsd2ss %1, %%xmm0; movss %%xmm0, %0" : "=m"(r.result) : "m"(r.a), "m"(r.control) : "xmm0");
			break;
		case UNORDERED_COMPARE: FLAGS("ucomiss", "ucomisd");
		case COMPARE: FLAGS("comiss", "comisd");
		}
		__asm__ volatile("stmxcsr %0; ldmxcsr %1" : "=m"(r.status) : "m"(initial));
		fwrite(&r, sizeof r, 1, stdout);
	}
	return 0;
}
