import {
  OPTION_ROM_SIGNATURE,
  PCI_SIGNATURE,
  PNP_SIGNATURE,
  VMI_API,
  VMI_ENTRY,
  VMI_LICENSE,
  VMI_PCI_HEADER,
  VMI_PCI_HEADER_SIZE,
  VMI_PCI_ID,
  VMI_PNP_HEADER,
  VMI_PNP_HEADER_SIZE,
  VMI_ROM_HEADER,
  VMI_ROM_HEADER_SIZE,
  VMI_SIGNATURE,
} from '../../abi/vmi.ts';
import { alignUp, encodeCString, type Layout } from '../../util/bytes.ts';
import { VMI_STUBS, type VmiStub } from './vmi-stubs.ts';

/** Bytes of the ROM: a page, so that all of it can be read-only. */
export const VMI_ROM_SIZE = 4096;
/** Physical address: above where video BIOSes are. */
export const VMI_ROM_ADDRESS = 0xc8000;
/** Option ROM sizes count these. */
const BLOCK = 512;
const VMCALL = Uint8Array.of(0x0f, 0x01, 0xc1);
const RETURN = 0xc3;
/** VMI_Init: `vmcall; xor eax, eax; ret`. VMI_GetRelocationInfo: `vmcall; ret`, answered by the hypervisor. */
const INIT = Uint8Array.of(...VMCALL, 0x31, 0xc0, RETURN);
const GET_RELOCATION = Uint8Array.of(...VMCALL, RETURN);
/** What a BIOS would call: `retf`. */
const REAL_MODE_ENTRY = 0xcb;
/** Distances of what lies behind the header. */
const ALIGNMENT = 16;
const LAST_ROM = 0x80;
/** Those of VMI_Init and VMI_GetRelocationInfo. */
const JUMP_SLOTS = 2;

/** The ROM, and what lies where in it. */
export interface VmiRom {
  readonly bytes: Uint8Array;
  /** The stub of a call by the offset of its VMCALL. */
  readonly stubAt: ReadonlyMap<number, VmiStub>;
  /** The offset of a call's stub, by its number. */
  readonly offsetOf: ReadonlyMap<number, number>;
}

/** Puts the ROM together: header, strings, PCI and PnP headers, a stub for each call, and the checksum of an option ROM. */
export function buildVmiRom(): VmiRom {
  const bytes = new Uint8Array(VMI_ROM_SIZE);
  let end = VMI_ROM_HEADER_SIZE;
  const place = (part: Uint8Array): number => {
    const at = alignUp(end, ALIGNMENT);
    bytes.set(part, at);
    end = at + part.length;
    return at;
  };
  const license = place(encodeCString(VMI_LICENSE));
  const manufacturer = place(encodeCString('Start of Day'));
  const product = place(encodeCString('VMI on the bare CPU'));
  const pci = place(
    encode(VMI_PCI_HEADER, VMI_PCI_HEADER_SIZE, {
      ...{ signature: PCI_SIGNATURE, ...VMI_PCI_ID, size: VMI_PCI_HEADER_SIZE, chunks: VMI_ROM_SIZE / BLOCK },
      ...{ rom_version_maj: VMI_API.major, rom_version_min: VMI_API.minor, last_rom: LAST_ROM },
    }),
  );
  const pnp = place(
    encode(VMI_PNP_HEADER, VMI_PNP_HEADER_SIZE, {
      ...{ signature: PNP_SIGNATURE, revision: 0x10, size: 2 },
      ...{ manufacturer_offset: manufacturer, product_offset: product },
    }),
  );
  const placed = VMI_STUBS.map((stub) => ({ stub, at: place(Uint8Array.of(...VMCALL, ...codeOf(stub))) }));
  bytes.set(
    encode(VMI_ROM_HEADER, VMI_ROM_HEADER_SIZE, {
      ...{ rom_signature: OPTION_ROM_SIGNATURE, rom_length: VMI_ROM_SIZE / BLOCK, rom_entry: REAL_MODE_ENTRY },
      ...{ vrom_signature: VMI_SIGNATURE, api_version_maj: VMI_API.major, api_version_min: VMI_API.minor },
      ...{ jump_slots: JUMP_SLOTS, virtual_top: 0 },
      ...{ license_offs: license, pci_header_offs: pci, pnp_header_offs: pnp },
    }),
  );
  bytes.set(INIT, VMI_ENTRY.init);
  bytes.set(GET_RELOCATION, VMI_ENTRY.getRelocation);
  bytes[VMI_ROM_SIZE - 1] = -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return {
    bytes,
    stubAt: new Map(placed.map(({ stub, at }) => [at, stub])),
    offsetOf: new Map(placed.map(({ stub, at }) => [stub.call, at])),
  };
}

/** The bytes of a stub behind its VMCALL. */
export function codeOf({ code }: VmiStub): Uint8Array {
  return Uint8Array.from(code.split(' '), (byte) => Number.parseInt(byte, 16));
}

function encode<L extends Layout>(layout: L, size: number, values: Partial<Record<keyof L, number>>): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (const [name, [offset, type]] of Object.entries(layout)) {
    const value = values[name] ?? 0;
    if (type === 'u8') view.setUint8(offset, value);
    else if (type === 'u16') view.setUint16(offset, value, true);
    else view.setUint32(offset, value, true);
  }
  return bytes;
}
