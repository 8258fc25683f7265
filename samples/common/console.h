/* Text to COM1 and to the VGA text screen. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "types.h"

void console_init(void);
void put(char character);
void print(const char *text);
/* Eight lower-case digits after 0x. */
void print_hex(u32 value);
void print_decimal(u32 value);
/* Writes at a fixed place of the screen only: the cursor and COM1 do not move. */
void put_at(u32 row, u32 column, char character);

#endif
