#include "multiboot.h"
_start: movl $0x180000, %esp
        pushl $ITERATIONS
        call mix
        finish
