/** Names of the model-specific registers that kernels of this CPU's family touch early (SDM 4, chapter 2). */
export const MSR_NAMES: Readonly<Record<number, string>> = {
  0x10: 'IA32_TIME_STAMP_COUNTER',
  0x17: 'IA32_PLATFORM_ID',
  0x1b: 'IA32_APIC_BASE',
  0x79: 'IA32_BIOS_UPDT_TRIG',
  0x8b: 'IA32_BIOS_SIGN_ID',
  0xfe: 'IA32_MTRRCAP',
  0x174: 'IA32_SYSENTER_CS',
  0x175: 'IA32_SYSENTER_ESP',
  0x176: 'IA32_SYSENTER_EIP',
  0x179: 'IA32_MCG_CAP',
  0x17a: 'IA32_MCG_STATUS',
  0x1a0: 'IA32_MISC_ENABLE',
  0x277: 'IA32_PAT',
  0x2ff: 'IA32_MTRR_DEF_TYPE',
  0xc0000080: 'IA32_EFER',
  0xc0000081: 'IA32_STAR',
  0xc0000082: 'IA32_LSTAR',
  0xc0000084: 'IA32_FMASK',
  0xc0000100: 'IA32_FS_BASE',
  0xc0000101: 'IA32_GS_BASE',
  0xc0000102: 'IA32_KERNEL_GS_BASE',
};

/** Register numbers that the machine has. */
export const MSR = { timeStampCounter: 0x10 } as const;

/** `MSR 0x1b (IA32_APIC_BASE)`. */
export function describeMsr(index: number): string {
  const name = MSR_NAMES[index];
  return `MSR 0x${index.toString(16)}${name === undefined ? '' : ` (${name})`}`;
}
