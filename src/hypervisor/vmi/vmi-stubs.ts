/**
 * What each call does on the CPU itself, behind the VMCALL by which it is recorded: the instructions that a native kernel has in its place.
 * Arguments are in EAX, EDX, ECX and then on the stack, for the caller to take away; EAX, EDX and ECX may change (regparm functions of gcc,
 * as vmi_32.c declares them). The bytes are those of the GNU assembler for `source`, in Intel syntax; a test assembles them again.
 *
 * Not here, so that the kernel keeps its own: APICRead and APICWrite, whose register is an offset in a mapping that only the kernel
 * knows, and the timers (66 to 71), which bare hardware does not have.
 */
export interface VmiStub {
  readonly call: number;
  readonly name: string;
  /** How the kernel gets there: by CALL, or by a JMP that it patches into its own code. */
  readonly kind: 'call' | 'jump';
  /** Instructions, separated by `;`. */
  readonly source: string;
  /** Bytes in hexadecimal, separated by blanks. */
  readonly code: string;
}

export const VMI_STUBS: readonly VmiStub[] = [
  // EAX and ECX are the CPU's own: not a C function.
  { call: 0, name: 'CPUID', kind: 'call', source: 'cpuid; ret', code: '0f a2 c3' },
  { call: 1, name: 'WRMSR', kind: 'call', source: 'wrmsr; ret', code: '0f 30 c3' },
  { call: 2, name: 'RDMSR', kind: 'call', source: 'rdmsr; ret', code: '0f 32 c3' },
  { call: 3, name: 'SetGDT', kind: 'call', source: 'lgdt [eax]; ret', code: '0f 01 10 c3' },
  { call: 4, name: 'SetLDT', kind: 'call', source: 'lldt ax; ret', code: '0f 00 d0 c3' },
  { call: 5, name: 'SetIDT', kind: 'call', source: 'lidt [eax]; ret', code: '0f 01 18 c3' },
  { call: 6, name: 'SetTR', kind: 'call', source: 'ltr ax; ret', code: '0f 00 d8 c3' },
  { call: 7, name: 'GetGDT', kind: 'call', source: 'sgdt [eax]; ret', code: '0f 01 00 c3' },
  { call: 8, name: 'GetLDT', kind: 'call', source: 'sldt eax; ret', code: '0f 00 c0 c3' },
  { call: 9, name: 'GetIDT', kind: 'call', source: 'sidt [eax]; ret', code: '0f 01 08 c3' },
  { call: 10, name: 'GetTR', kind: 'call', source: 'str eax; ret', code: '0f 00 c8 c3' },
  {
    call: 11,
    name: 'WriteGDTEntry',
    kind: 'call',
    source: 'mov [eax+edx*8],ecx; mov ecx,[esp+4]; mov [eax+edx*8+4],ecx; ret',
    code: '89 0c d0 8b 4c 24 04 89 4c d0 04 c3',
  },
  {
    call: 12,
    name: 'WriteLDTEntry',
    kind: 'call',
    source: 'mov [eax+edx*8],ecx; mov ecx,[esp+4]; mov [eax+edx*8+4],ecx; ret',
    code: '89 0c d0 8b 4c 24 04 89 4c d0 04 c3',
  },
  {
    call: 13,
    name: 'WriteIDTEntry',
    kind: 'call',
    source: 'mov [eax+edx*8],ecx; mov ecx,[esp+4]; mov [eax+edx*8+4],ecx; ret',
    code: '89 0c d0 8b 4c 24 04 89 4c d0 04 c3',
  },
  // The kernel has written esp0 to its TSS itself.
  { call: 14, name: 'UpdateKernelStack', kind: 'call', source: 'ret', code: 'c3' },
  { call: 15, name: 'SetCR0', kind: 'call', source: 'mov cr0,eax; ret', code: '0f 22 c0 c3' },
  { call: 16, name: 'SetCR2', kind: 'call', source: 'mov cr2,eax; ret', code: '0f 22 d0 c3' },
  { call: 17, name: 'SetCR3', kind: 'call', source: 'mov cr3,eax; ret', code: '0f 22 d8 c3' },
  { call: 18, name: 'SetCR4', kind: 'call', source: 'mov cr4,eax; ret', code: '0f 22 e0 c3' },
  { call: 19, name: 'GetCR0', kind: 'call', source: 'mov eax,cr0; ret', code: '0f 20 c0 c3' },
  { call: 20, name: 'GetCR2', kind: 'call', source: 'mov eax,cr2; ret', code: '0f 20 d0 c3' },
  { call: 21, name: 'GetCR3', kind: 'call', source: 'mov eax,cr3; ret', code: '0f 20 d8 c3' },
  { call: 22, name: 'GetCR4', kind: 'call', source: 'mov eax,cr4; ret', code: '0f 20 e0 c3' },
  { call: 23, name: 'WBINVD', kind: 'call', source: 'wbinvd; ret', code: '0f 09 c3' },
  {
    call: 24,
    name: 'SetDR',
    kind: 'call',
    source:
      'cmp al,1; jb 0f; je 1f; cmp al,3; jb 2f; je 3f; cmp al,6; je 6f; mov dr7,edx; ret; 0: mov dr0,edx; ret; 1: mov dr1,edx; ret; 2: mov dr2,edx; ret; 3: mov dr3,edx; ret; 6: mov dr6,edx; ret',
    code: '3c 01 72 10 74 12 3c 03 72 12 74 14 3c 06 74 14 0f 23 fa c3 0f 23 c2 c3 0f 23 ca c3 0f 23 d2 c3 0f 23 da c3 0f 23 f2 c3',
  },
  {
    call: 25,
    name: 'GetDR',
    kind: 'call',
    source:
      'cmp al,1; jb 0f; je 1f; cmp al,3; jb 2f; je 3f; cmp al,6; je 6f; mov eax,dr7; ret; 0: mov eax,dr0; ret; 1: mov eax,dr1; ret; 2: mov eax,dr2; ret; 3: mov eax,dr3; ret; 6: mov eax,dr6; ret',
    code: '3c 01 72 10 74 12 3c 03 72 12 74 14 3c 06 74 14 0f 21 f8 c3 0f 21 c0 c3 0f 21 c8 c3 0f 21 d0 c3 0f 21 d8 c3 0f 21 f0 c3',
  },
  { call: 26, name: 'RDPMC', kind: 'call', source: 'rdpmc; ret', code: '0f 33 c3' },
  { call: 27, name: 'RDTSC', kind: 'call', source: 'rdtsc; ret', code: '0f 31 c3' },
  { call: 28, name: 'CLTS', kind: 'call', source: 'clts; ret', code: '0f 06 c3' },
  { call: 29, name: 'EnableInterrupts', kind: 'call', source: 'sti; ret', code: 'fb c3' },
  { call: 30, name: 'DisableInterrupts', kind: 'call', source: 'cli; ret', code: 'fa c3' },
  { call: 31, name: 'GetInterruptMask', kind: 'call', source: 'pushfd; pop eax; ret', code: '9c 58 c3' },
  { call: 32, name: 'SetInterruptMask', kind: 'call', source: 'push eax; popfd; ret', code: '50 9d c3' },
  // Never called: Linux has a poison pointer there, and patches the jump in.
  { call: 33, name: 'IRET', kind: 'jump', source: 'iretd', code: 'cf' },
  // As IRET.
  { call: 34, name: 'SYSEXIT', kind: 'jump', source: 'sti; sysexit', code: 'fb 0f 35' },
  // All halts are safe ones: interrupts are on.
  { call: 35, name: 'Halt', kind: 'call', source: 'sti; hlt; ret', code: 'fb f4 c3' },
  // The machine is reset before.
  { call: 36, name: 'Reboot', kind: 'call', source: 'hlt; ret', code: 'f4 c3' },
  // The machine is off before.
  { call: 37, name: 'Shutdown', kind: 'call', source: 'hlt; ret', code: 'f4 c3' },
  { call: 38, name: 'SetPxE', kind: 'call', source: 'mov [edx],eax; ret', code: '89 02 c3' },
  // The upper word first, as native_set_pte.
  {
    call: 39,
    name: 'SetPxELong',
    kind: 'call',
    source: 'mov [ecx+4],edx; mov [ecx],eax; ret',
    code: '89 51 04 89 01 c3',
  },
  // The CPU walks the guest's own tables.
  { call: 40, name: 'UpdatePxE', kind: 'call', source: 'ret', code: 'c3' },
  { call: 41, name: 'UpdatePxELong', kind: 'call', source: 'ret', code: 'c3' },
  // The same.
  { call: 42, name: 'MachineToPhysical', kind: 'call', source: 'ret', code: 'c3' },
  { call: 43, name: 'PhysicalToMachine', kind: 'call', source: 'ret', code: 'c3' },
  // Page tables need no shadow.
  { call: 44, name: 'AllocatePage', kind: 'call', source: 'ret', code: 'c3' },
  { call: 45, name: 'ReleasePage', kind: 'call', source: 'ret', code: 'c3' },
  { call: 46, name: 'InvalPage', kind: 'call', source: 'invlpg [eax]; ret', code: '0f 01 38 c3' },
  // VMI_FLUSH_GLOBAL: CR4.PGE off and on.
  {
    call: 47,
    name: 'FlushTLB',
    kind: 'call',
    source:
      'test al,2; mov eax,cr4; jz 1f; mov edx,eax; and dl,0x7f; mov cr4,edx; mov cr4,eax; 1: mov eax,cr3; mov cr3,eax; ret',
    code: 'a8 02 0f 20 e0 74 0b 89 c2 80 e2 7f 0f 22 e2 0f 22 e0 0f 20 d8 0f 22 d8 c3',
  },
  { call: 48, name: 'SetLinearMapping', kind: 'call', source: 'ret', code: 'c3' },
  {
    call: 61,
    name: 'SetIOPLMask',
    kind: 'call',
    source: 'pushfd; and dword ptr [esp],0xffffcfff; or [esp],eax; popfd; ret',
    code: '9c 81 24 24 ff cf ff ff 09 04 24 9d c3',
  },
  // There is one CPU.
  { call: 62, name: 'SetInitialAPState', kind: 'call', source: 'ret', code: 'c3' },
  { call: 65, name: 'IODelay', kind: 'call', source: 'out 0x80,al; ret', code: 'e6 80 c3' },
  // Nothing is ever put off.
  { call: 73, name: 'SetLazyMode', kind: 'call', source: 'ret', code: 'c3' },
];
