#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include "types.h"

/* Where the first interrupt controller's eight lines are delivered: past the exceptions, which the power-on setting hits. */
#define IRQ_BASE 0x20

/* Gates of interrupts.S; each calls the C handler of its device. */
void timer_interrupt(void);
void keyboard_interrupt(void);

void timer_init(void);
u32 timer_ticks(void);
void keyboard_init(void);

#endif
