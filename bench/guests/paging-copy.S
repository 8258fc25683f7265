/* Paging on: copies 1 MiB through 4 KiB pages whose frames are mapped in reverse, then updates it in place. */
#include "multiboot.h"
_start: movl $0x180000, %esp
        xorl %ecx, %ecx
2:      movl %ecx, %eax
        shll $12, %eax
        addl $0x201003, %eax
        movl %eax, 0x200000(,%ecx,4)
        incl %ecx
        cmpl $8, %ecx
        jne 2b
        xorl %ecx, %ecx
3:      movl %ecx, %eax
        cmpl $4096, %ecx
        jb 4f
        movl $12287, %eax
        subl %ecx, %eax
4:      shll $12, %eax
        orl $3, %eax
        movl %eax, 0x201000(,%ecx,4)
        incl %ecx
        cmpl $8192, %ecx
        jne 3b
        movl $0x200000, %eax
        movl %eax, %cr3
        movl %cr0, %eax
        orl $0x80000000, %eax
        movl %eax, %cr0
        movl $ITERATIONS, %edx
turn:   movl $0x1000000, %esi
        movl $0x1400000, %edi
        movl $0x40000, %ecx
5:      movl (%esi), %eax
        movl %eax, (%edi)
        addl $4, %esi
        addl $4, %edi
        decl %ecx
        jnz 5b
        movl $0x1000000, %esi
        movl $0x4000, %ecx
6:      addl $1, (%esi)
        movl 8(%esi), %ebx
        xorl %ebx, 4(%esi)
        addl $64, %esi
        loop 6b
        decl %edx
        jnz turn
        finish
