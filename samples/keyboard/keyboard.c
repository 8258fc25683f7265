/* A keyboard behind an 8042 controller, which translates to scan code set 1. */
#include "console.h"
#include "interrupts.h"
#include "io.h"

#define DATA 0x60
#define STATUS 0x64
#define COMMAND 0x64

#define OUTPUT_FULL 0x01
#define INPUT_FULL 0x02

#define READ_CONFIGURATION 0x20
#define WRITE_CONFIGURATION 0x60
#define DISABLE_KEYBOARD 0xad
#define ENABLE_KEYBOARD 0xae

#define CONFIGURATION_INTERRUPT 0x01
#define CONFIGURATION_CLOCK_OFF 0x10
#define CONFIGURATION_TRANSLATE 0x40

#define ENABLE_SCANNING 0xf4

#define KEY_RELEASED 0x80

/* Set 1 make codes 0x00 to 0x39, without shift. */
static const char characters[] =
	"\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";

static void send(u16 port, u8 value)
{
	while (inb(STATUS) & INPUT_FULL)
		;
	outb(port, value);
}

static u8 receive(void)
{
	while (!(inb(STATUS) & OUTPUT_FULL))
		;
	return inb(DATA);
}

void keyboard_init(void)
{
	u8 configuration;

	send(COMMAND, DISABLE_KEYBOARD);
	while (inb(STATUS) & OUTPUT_FULL)
		inb(DATA);
	send(COMMAND, READ_CONFIGURATION);
	configuration = receive();
	configuration |= CONFIGURATION_INTERRUPT | CONFIGURATION_TRANSLATE;
	configuration &= ~CONFIGURATION_CLOCK_OFF;
	send(COMMAND, WRITE_CONFIGURATION);
	send(DATA, configuration);
	send(COMMAND, ENABLE_KEYBOARD);
	send(DATA, ENABLE_SCANNING);
	receive(); /* the keyboard's acknowledgement, 0xfa */
}

void keyboard_key(void)
{
	u8 code = inb(DATA);
	char character;

	if ((code & KEY_RELEASED) || code >= sizeof(characters) - 1)
		return;
	character = characters[code];
	if (character == 'q') {
		print("\nkeyboard: q after ");
		print_decimal(timer_ticks());
		print(" ticks\n");
		debug_exit(0);
	} else if (character == '\n' || character >= ' ') {
		put(character);
	}
}
