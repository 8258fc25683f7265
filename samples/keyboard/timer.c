/* Channel 0 of the programmable interval timer at 100 Hz, and a counter in the corner of the screen. */
#include "console.h"
#include "interrupts.h"
#include "io.h"

#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND 0x43
/* 1193182 Hz / 100, rounded. */
#define PIT_DIVISOR 11932
#define DIGITS 8

static volatile u32 ticks;

void timer_init(void)
{
	outb(PIT_COMMAND, 0x34); /* channel 0, low then high byte, mode 2 */
	outb(PIT_CHANNEL_0, PIT_DIVISOR & 0xff);
	outb(PIT_CHANNEL_0, PIT_DIVISOR >> 8);
}

u32 timer_ticks(void)
{
	return ticks;
}

void timer_tick(void)
{
	u32 value = ++ticks;
	int digit;

	for (digit = DIGITS - 1; digit >= 0; digit--) {
		put_at(0, 80 - DIGITS + digit, '0' + value % 10);
		value /= 10;
	}
}
