import type { Context } from 'mocha';
import { buildKernel } from './kernels.ts';

/** A note of the owner "Xen" with a number of 4 bytes or a text in its descriptor. */
export function xenNote(type: number, value: number | string): string {
  const desc = typeof value === 'number' ? `.long ${value}` : `.asciz "${value}"`;
  return `.section .note.Xen, "a", @note\n.balign 4\n.long 4, 2f - 1f, ${type}\n.asciz "Xen"\n1: ${desc}\n2: .balign 4\n`;
}

/** What Xen's loader needs to be told: LOADER, XEN_VERSION, and where the image goes. */
export const XEN_NOTES = [
  xenNote(6, 'Test'),
  xenNote(8, 'generic'),
  xenNote(5, 'xen-3.0'),
  xenNote(3, 0xc0000000),
  xenNote(9, 'yes'),
].join('');

/** The section of a kernel from before notes. */
export function guestString(text: string): string {
  return `.section __xen_guest, ""\n.asciz "${text}"\n`;
}

/** Linked at VIRT_BASE plus 1 MiB, loaded at 1 MiB, or with `old` at the linear address, as kernels before notes were. */
export function xenScript(old = false): string {
  const at = old ? '' : ' AT(ADDR(.text) - 0xc0000000)';
  return `ENTRY(_start)
PHDRS { load PT_LOAD; note PT_NOTE; }
SECTIONS {
  . = 0xc0100000;
  .text :${at} { *(.text) *(.data) *(.bss) } :load
  .note.Xen : { *(.note.Xen) } :load :note
}`;
}

export interface XenKernelSource {
  readonly header: string;
  readonly code?: string;
  readonly old?: boolean;
}

export function buildXenKernel(test: Context, { header, code, old = false }: XenKernelSource): Uint8Array {
  return buildKernel(test, { header, code, script: xenScript(old) });
}
