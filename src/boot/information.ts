import type { ReadPhysical } from './guest-memory.ts';
import { decodeHvmStartInfo } from './hvm-start-information.ts';
import type { InformationNode } from './information-node.ts';
import { decodeLguestBootInfo } from './lguest-information.ts';
import { decodeBootParams, decodeSetupHeader } from './linux-boot-params-information.ts';
import { decodeMultibootInformation } from './multiboot-information.ts';
import { decodeMultiboot2Information } from './multiboot2-information.ts';
import type { BootInformation } from './protocol.ts';
import { decodeStartInfo } from './xen-start-info.ts';

type Decoder = (read: ReadPhysical, address: number, linear?: number) => InformationNode;

const DECODERS: Readonly<Record<BootInformation['kind'], Decoder>> = {
  multiboot_info: decodeMultibootInformation,
  boot_params: decodeBootParams,
  hvm_start_info: decodeHvmStartInfo,
  setup_header: decodeSetupHeader,
  lguest_boot_info: decodeLguestBootInfo,
  start_info: decodeStartInfo,
  multiboot2_info: decodeMultiboot2Information,
};

/** The structure that the loader left for the kernel, as memory holds it now. */
export function decodeInformation(read: ReadPhysical, { kind, address, linear }: BootInformation): InformationNode {
  return DECODERS[kind](read, address, linear);
}
