/** Bytes of a file that tell what it is: a Multiboot header lies within the first 8192. */
export const HEAD_LENGTH = 8192;

/** A file that this machine could boot. */
export interface KernelFile {
  /** "ELF 32-bit x86". */
  readonly description: string;
  /** File offset of the Multiboot header, in bytes; undefined without one. */
  readonly multibootHeader: number | undefined;
}

/** ELF machine numbers (System V ABI, processor supplements): EM_386 and EM_X86_64. */
const X86_MACHINES: Readonly<Record<number, string>> = { 3: 'ELF 32-bit x86', 62: 'ELF 64-bit x86' };

/** True for a file name that a kernel may have: an extension of linked images, or none. */
export function isKernelName(name: string): boolean {
  return /^[^.]+$|^(vmlinu|xen)|\.(bin|elf|exec|kernel|sys)$/i.test(name);
}

export function kernelFileOf(head: Uint8Array): KernelFile | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 20 || view.getUint32(0) !== 0x7f454c46) return undefined;
  const description = X86_MACHINES[view.getUint16(18, true)];
  return description === undefined ? undefined : { description, multibootHeader: undefined };
}
