/* A recursive Fibonacci function: calls, returns, pushes and pops. */
#include "multiboot.h"
_start: movl $0x180000, %esp
        movl $ITERATIONS, %eax
        call fibonacci
        finish
fibonacci:
        pushl %ebx
        pushl %esi
        movl %eax, %ebx
        cmpl $2, %eax
        jl 2f
        leal -1(%ebx), %eax
        call fibonacci
        movl %eax, %esi
        leal -2(%ebx), %eax
        call fibonacci
        addl %esi, %eax
2:      popl %esi
        popl %ebx
        ret
