/* A PV kernel of a few hundred bytes: each thing that works prints a letter. PAE is 1 or 0. */
.intel_syntax noprefix
.set CODE1, 0xe019
.set CODE3, 0xe02b
.set DATA3, 0xe033
.set ENTRY_SIZE, 4 + 4 * PAE
/* Pages of page tables in front of the first L1 page. */
.set UPPER, 1 + PAE
.set BASE, 0xc0000000

.macro hypercall number
  mov eax, \number
  int 0x82
.endm
.macro say letter
  pusha
  mov byte ptr letter, \letter
  mov ebx, 0
  mov ecx, 1
  mov edx, offset letter
  hypercall 18
  popa
.endm
/* EBX linear address, ECX page table entry. */
.macro map_page
  mov edx, 0
  mov esi, 2
  hypercall 14
  test eax, eax
  jnz failed
.endm
/* EAX: machine address of the page of a symbol, by the list of frames. */
.macro machine symbol
  mov eax, offset \symbol
  sub eax, BASE
  shr eax, 12
  mov edi, info
  mov edi, [edi + 68]
  mov eax, [edi + eax * 4]
  shl eax, 12
.endm

.text
.globl _start
_start:
  cld
  mov info, esi
  say 'a'

  mov ebx, offset traps
  hypercall 0
  ud2

  cli                         /* #GP: the I/O privilege level is 0 */
  mov ebx, 6
  mov ecx, offset one
  hypercall 33
  cli
  sti
  say 'd'

  mov eax, 0x40000000
  .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e
  cpuid
  cmp ebx, 0x566e6558
  jne failed
  say 'e'

  mov ebx, offset shared
  mov esi, info
  mov ecx, [esi + 36]
  or ecx, 3
  map_page
  mov ebx, CODE1
  mov ecx, offset event
  mov edx, CODE1
  mov esi, offset failed
  hypercall 4
  mov ebx, 1
  mov ecx, offset virtual
  hypercall 32
  test eax, eax
  jnz failed
  mov ebx, 9
  mov ecx, offset virtual + 8
  hypercall 32
  mov ebx, 7                  /* no periodic timer */
  mov ecx, 0
  hypercall 24
  mov ebx, 5000000            /* 5 ms after power-on */
  mov ecx, 0
  hypercall 15
  mov ebx, 1
  hypercall 29
  cmp dword ptr events, 1
  jne failed
  say 'g'

  mov ebx, 0                  /* writable page tables */
  mov ecx, 2
  hypercall 21
  machine page
  or eax, 1
  mov esi, info
  mov esi, [esi + 60]
  mov ecx, offset page
  sub ecx, BASE
  shr ecx, 12
  lea esi, [esi + UPPER * 4096 + ecx * ENTRY_SIZE]
  mov [esi], eax              /* read-only now */
  mov dword ptr page, 1       /* #PF */
  cmp dword ptr page, 1
  jne failed
  or dword ptr [esi], 0x18    /* bits that a guest may not set: refused, and the write faults */
  cmp dword ptr refused, 1
  jne failed
  say 'j'

  mov ebx, offset calls
  mov ecx, 2
  hypercall 13
  cmp dword ptr calls + 4, 0x40002
  jne failed
  cmp dword ptr calls + 36, -38
  jne failed
  say 'k'

  machine user
  or eax, 5
  mov ecx, eax
  mov ebx, offset user
  map_page
  machine user_stack
  or eax, 7
  mov ecx, eax
  mov ebx, offset user_stack
  map_page
  mov ebx, 0xe021
  mov ecx, esp
  hypercall 3
  push DATA3
  push offset user_stack + 4096
  push 0x200
  push CODE3
  push offset user
  push 0x1234                 /* EAX */
  hypercall 23

done:
  say 'z'
  mov ebx, 2
  mov ecx, offset zero
  hypercall 29
failed:
  say '!'
  mov ebx, 2
  mov ecx, offset crash
  hypercall 29

undefined:
  say 'b'
  add dword ptr [esp], 2
  iret
protection:
  add esp, 4
  say 'c'
  add dword ptr [esp], 1
  iret
page_fault:
  pusha
  mov eax, dword ptr shared + 8
  cmp eax, offset page
  jne 1f
  say 'h'
  machine page
  or eax, 3
  mov ecx, eax
  mov ebx, offset page
  map_page
  popa
  add esp, 4
  iret
1:
  mov dword ptr refused, 1
  popa
  add esp, 4
  say 'i'
  add dword ptr [esp], 3
  iret
event:
  pusha
  mov byte ptr shared, 0
  mov dword ptr shared + 4, 0
  mov dword ptr shared + 2048, 0
  inc dword ptr events
  say 'f'
  popa
  push eax
  hypercall 23
system_call:
  mov cx, 0xe021              /* the return to ring 3 has emptied them */
  mov ds, cx
  mov es, cx
  cmp eax, 0x1234
  jne failed
  mov ax, [esp + 4]
  cmp ax, CODE3
  jne failed
  say 'm'
  jmp done

.balign 4096
user:
  int 0x80
  ud2
.balign 4096
user_stack: .skip 4096
page: .skip 4096
shared: .skip 4096
info: .long 0
letter: .long 0
events: .long 0
refused: .long 0
zero: .long 0
one: .long 1
crash: .long 3
virtual: .long 0, 0, 3
traps:
  .byte 6, 0
  .word CODE1
  .long undefined
  .byte 13, 0
  .word CODE1
  .long protection
  .byte 14, 0
  .word CODE1
  .long page_fault
  .byte 0x80, 3
  .word CODE1
  .long system_call
  .long 0, 0
calls:
  .long 17, 0, 0, 0, 0, 0, 0, 0
  .long 77, 0, 0, 0, 0, 0, 0, 0
