#include "console.h"
#include "io.h"

#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20

#define ROWS 25
#define COLUMNS 80
#define BLANK 0x0720

static volatile u16 *const screen = (volatile u16 *)0xb8000;
static u32 row, column;

/* 115200 baud, 8 data bits, no parity, 1 stop bit, FIFOs on. */
static void serial_init(void)
{
	outb(COM1 + 1, 0x00);
	outb(COM1 + 3, 0x80);
	outb(COM1 + 0, 0x01);
	outb(COM1 + 1, 0x00);
	outb(COM1 + 3, 0x03);
	outb(COM1 + 2, 0xc7);
	outb(COM1 + 4, 0x03);
}

static void serial_put(char character)
{
	while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY))
		;
	outb(COM1, character);
}

static void screen_scroll(void)
{
	u32 i;

	for (i = 0; i < (ROWS - 1) * COLUMNS; i++)
		screen[i] = screen[i + COLUMNS];
	for (; i < ROWS * COLUMNS; i++)
		screen[i] = BLANK;
	row--;
}

static void screen_put(char character)
{
	if (character == '\n' || column == COLUMNS) {
		column = 0;
		row++;
	}
	if (row == ROWS)
		screen_scroll();
	if (character != '\n')
		put_at(row, column++, character);
}

void console_init(void)
{
	u32 i;

	serial_init();
	for (i = 0; i < ROWS * COLUMNS; i++)
		screen[i] = BLANK;
}

void put_at(u32 at_row, u32 at_column, char character)
{
	screen[at_row * COLUMNS + at_column] = 0x0700 | (u8)character;
}

/* A kernel that may not touch COM1 and the screen sets this to its own way out; the others have none. */
extern void (*console_elsewhere)(char character) __attribute__((weak));

void put(char character)
{
	if (&console_elsewhere && console_elsewhere) {
		console_elsewhere(character);
		return;
	}
	if (character == '\n')
		serial_put('\r');
	serial_put(character);
	screen_put(character);
}

void print(const char *text)
{
	while (*text)
		put(*text++);
}

void print_hex(u32 value)
{
	int shift;

	print("0x");
	for (shift = 28; shift >= 0; shift -= 4)
		put("0123456789abcdef"[(value >> shift) & 15]);
}

void print_decimal(u32 value)
{
	if (value >= 10)
		print_decimal(value / 10);
	put('0' + value % 10);
}
