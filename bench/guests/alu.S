/* Arithmetic, logic and short branches on registers: 13 instructions a turn at most. */
#include "multiboot.h"
_start: movl $0x180000, %esp
        movl $ITERATIONS, %ecx
        movl $1, %eax
        movl $2, %ebx
        movl $3, %edx
        xorl %esi, %esi
        xorl %edi, %edi
turn:   addl %ebx, %eax
        xorl %eax, %edx
        leal 5(%esi,%eax,4), %esi
        subl %edx, %ebx
        andl $0x7fffffff, %edi
        incl %edi
        cmpl %esi, %edi
        jb 2f
        addl $3, %edi
2:      testl $1, %edx
        jz 3f
        subl $7, %eax
3:      decl %ecx
        jnz turn
        finish
