/* A flat GDT, and an IDT whose first 32 gates report the exception. */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include "types.h"

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10

/* The operand of LGDT and LIDT. */
struct table_register {
	u16 limit;
	u32 base;
} __attribute__((packed));

extern const struct table_register gdt_register;
extern const struct table_register idt_register;

/* Reloads every segment register from the GDT: loaders leave selectors that it does not have. */
void load_segments(void);
/* A present 32-bit interrupt gate of DPL 0. */
void set_gate(u32 vector, void (*handler)(void));
void set_exception_gates(void);

#endif
