/** What QEMU 7.2 prints on COM1 for the samples with 128 MiB of memory, `\r` dropped. */

/** `multiboot.elf` with the command line `exit`; its exit status is (0 << 1) | 1. */
export const PARAVIRT_SERIAL = `paravirt: running on bare hardware
paravirt: started by qemu
paravirt: running on bare hardware
memory: 0x00000000 ... 0x0009fbff available
memory: 0x0009fc00 ... 0x0009ffff reserved
memory: 0x000f0000 ... 0x000fffff reserved
memory: 0x00100000 ... 0x07fdffff available
memory: 0x07fe0000 ... 0x07ffffff reserved
memory: 0xfffc0000 ... 0xffffffff reserved
paravirt: interrupts at entry: off
paravirt: interrupts enabled: on
paravirt: interrupts disabled: off
`;

/** The line that `multiboot.elf` adds for the command line word `fault`: UD2 in kernel_main, caught by its own IDT. */
export const PARAVIRT_FAULT_LINE = /^exception 6, error code 0x00000000, at (0x[0-9a-f]{8})$/m;

export const TRIPLE_FAULT_SERIAL = 'triple-fault: no IDT is loaded, executing ud2 in die()\n';

/** `keyboard.elf` until it waits for the first key. */
export const KEYBOARD_SERIAL = `keyboard: type, q leaves
keyboard: interrupts on
`;

/** `keyboard.elf` after the keys h, i, space, 1, Enter and q. */
export const KEYBOARD_SERIAL_TYPED =
  /^keyboard: type, q leaves\nkeyboard: interrupts on\nhi 1\n\nkeyboard: q after \d+ ticks\n$/;
