const SLOT = 32;
const SLOTS = 128;
/** HYPERVISOR_iret is jumped to and does not return. */
const IRET = 23;

/**
 * The hypercall page of a 32-bit guest: 128 slots of 32 bytes, each MOV EAX, number; `trap`; RET. For PV `trap` is INT 0x82
 * (Xen 4.2, arch/x86/x86_32/traps.c), for PVH VMCALL, where slot 23 is UD2 (arch/x86/hvm/vmx/vmx.c).
 */
export function hypercallPage(kind: 'pv' | 'pvh'): Uint8Array {
  const page = new Uint8Array(SLOT * SLOTS);
  const trap = kind === 'pv' ? [0xcd, 0x82] : [0x0f, 0x01, 0xc1];
  for (let number = 0; number < SLOTS; number++) {
    const move = [0xb8, number, 0, 0, 0];
    const iret = kind === 'pv' ? [0x50, ...move, ...trap] : [0x0f, 0x0b];
    page.set(number === IRET ? iret : [...move, ...trap, 0xc3], number * SLOT);
  }
  return page;
}
