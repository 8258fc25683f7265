/* Straight-line code that is never run twice: 8 instructions of common kinds, again and again. */
#include "multiboot.h"
_start: movl $0x180000, %esp
        movl $0x181000, %ebx
        .rept ITERATIONS
        addl $0x12345, %eax
        movl %eax, (%ebx)
        leal 4(%ebx,%eax,2), %ecx
        movzbl 1(%ebx), %edx
        testl %edx, %ecx
        jz 1f
        shrl $3, %ecx
        pushl %ecx
        popl %esi
1:
        .endr
        finish
