/*
 * What compiled C does: sorting, checksums, lists, strings, 64-bit arithmetic, recursion, function pointers.
 * With HOSTED it is a program that writes its results to the standard output.
 */
#ifdef HOSTED
#include <unistd.h>
#endif
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;

enum { COUNT = 200 };

struct node {
	struct node *next;
	u32 key;
	short weight;
	signed char sign;
};

static u32 seed = 12345;
static u32 numbers[COUNT];
static struct node nodes[COUNT];
static char text[256];
u32 results[12];

static u32 next_random(void) {
	seed = seed * 1664525u + 1013904223u;
	return seed >> 7;
}

static void quicksort(u32 *from, u32 *to) {
	while (from < to) {
		u32 pivot = from[(to - from) / 2], *left = from, *right = to;
		while (left <= right) {
			while (*left < pivot)
				left++;
			while (*right > pivot)
				right--;
			if (left <= right) {
				u32 kept = *left;
				*left++ = *right;
				*right-- = kept;
			}
		}
		quicksort(from, right);
		from = left;
	}
}

static u32 crc32(const u8 *bytes, u32 length) {
	u32 crc = ~0u;
	while (length--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static u32 list(void) {
	struct node *head = 0;
	for (int n = 0; n < COUNT; n++) {
		nodes[n].key = next_random();
		nodes[n].weight = n * 37 - 4000;
		nodes[n].sign = n - 100;
		nodes[n].next = head;
		head = &nodes[n];
	}
	struct node *reversed = 0;
	while (head) {
		struct node *next = head->next;
		head->next = reversed;
		reversed = head;
		head = next;
	}
	int sum = 0;
	for (struct node *node = reversed; node; node = node->next)
		sum += node->weight * node->sign + (node->key % 97 == 5 ? 1 : -1);
	return sum;
}

static u32 length(const char *string) {
	u32 n = 0;
	while (string[n])
		n++;
	return n;
}

static int compare(const char *a, const char *b) {
	while (*a && *a == *b)
		a++, b++;
	return (u8)*a - (u8)*b;
}

static char *decimal(char *out, u64 value) {
	char digits[24];
	int n = 0;
	do {
		/* Long division by hand: this is freestanding, without __udivdi3. */
		u64 rest = 0, quotient = 0;
		for (int bit = 63; bit >= 0; bit--) {
			rest = rest << 1 | (value >> bit & 1);
			if (rest >= 10) {
				rest -= 10;
				quotient |= 1ull << bit;
			}
		}
		digits[n++] = '0' + (int)rest;
		value = quotient;
	} while (value);
	while (n)
		*out++ = digits[--n];
	*out = 0;
	return out;
}

static u64 multiply_high(u64 a, u64 b) {
	u64 low = (u64)(u32)a * (u32)b, middle = (a >> 32) * (u32)b + (low >> 32);
	return (a >> 32) * (b >> 32) + (middle >> 32) + (((u64)(u32)middle + (u64)(u32)a * (b >> 32)) >> 32);
}

static u32 ackermann(u32 m, u32 n) {
	if (m == 0)
		return n + 1;
	return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static int twice(int value) { return value * 2; }
static int negate(int value) { return -value; }
static int square(int value) { return value * value; }

void start(void) __attribute__((section(".text.start")));
void start(void) {
	static int (*const functions[])(int) = {twice, negate, square};
	int folded = 3;
	for (int n = 0; n < COUNT; n++)
		numbers[n] = next_random();
	quicksort(numbers, numbers + COUNT - 1);
	u32 ordered = 1;
	for (int n = 1; n < COUNT; n++)
		ordered &= numbers[n - 1] <= numbers[n];
	results[0] = ordered;
	results[1] = crc32((const u8 *)"123456789", 9);
	results[2] = list();
	char *end = decimal(text, 18446744073709551615ull);
	results[3] = end - text;
	results[4] = compare(text, "18446744073709551615");
	results[5] = length(text);
	u64 high = multiply_high(0xfedcba9876543210ull, 0x0123456789abcdefull);
	results[6] = high;
	results[7] = high >> 32;
	results[8] = ackermann(2, 5);
	for (int n = 0; n < 30; n++)
		folded = functions[(u32)folded % 3](folded) % 1000;
	results[9] = folded;
	__builtin_memset(text, 'x', 100);
	__builtin_memcpy(text + 100, text, 50);
	results[10] = crc32((const u8 *)text, sizeof text);
	results[11] = 0x600d600d;
#ifndef HOSTED
	for (;;)
		__asm__ volatile("hlt");
#endif
}

#ifdef HOSTED
int main(void) {
	start();
	return write(1, results, sizeof results) != sizeof results;
}
#endif
