/* A Multiboot 1 header with address fields, and the end of a guest: exit through port 0xf4. For assembler sources. */
        .code32
        .section .text.start, "ax"
        .globl _start
header: .long 0x1badb002, 0x00010000, -(0x1badb002 + 0x00010000)
        .long header, header, 0, 0, _start
        .macro finish
        movb $0, %al
        outb %al, $0xf4
1:      hlt
        jmp 1b
        .endm
