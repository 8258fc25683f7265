import { hex } from '../util/hex.ts';
import { MULTIBOOT_BOOTLOADER_MAGIC } from './multiboot-structure.ts';
import { MULTIBOOT2_BOOTLOADER_MAGIC } from './multiboot2-structure.ts';
import type { EntryPromise } from './protocol.ts';

/** Where a version of the specification says it, and the names it has. */
interface Specification {
  readonly magic: number;
  readonly structure: string;
  readonly state: string;
  readonly image: string;
}

const PARAVIRT_SOURCE = 'proposal of 2006: another EAX magic for a boot by a hypervisor';

const MULTIBOOT: Specification = {
  magic: MULTIBOOT_BOOTLOADER_MAGIC,
  structure: 'multiboot_info',
  state: 'Multiboot 0.6.96, 3.2 Machine state',
  image: 'Multiboot 0.6.96, 3.1 OS image format',
};
const MULTIBOOT2: Specification = {
  magic: MULTIBOOT2_BOOTLOADER_MAGIC,
  structure: 'the Multiboot 2 information structure',
  state: 'Multiboot 2.0, 3.3 I386 machine state',
  image: 'Multiboot 2.0, 3.1 OS image format',
};
const DATA_SEGMENT = '32-bit read/write data, base 0, limit 0xffffffff; any selector';

/** What Multiboot 1 says of each item, in its order; undefined where it says that the item is not promised, or nothing. `magic` is EAX. */
export function multibootPromises(entry: number, magic = MULTIBOOT.magic): readonly EntryPromise[] {
  const specified = promises(MULTIBOOT, entry);
  if (magic === MULTIBOOT.magic) return specified;
  return specified.map((promise) =>
    promise.item === 'EAX' ? { item: 'EAX', promise: hex(magic, 8), source: PARAVIRT_SOURCE } : promise,
  );
}

/** What Multiboot 2 says of each item: the state of Multiboot 1 with another magic number. */
export function multiboot2Promises(entry: number): readonly EntryPromise[] {
  return promises(MULTIBOOT2, entry);
}

function promises({ magic, structure, state, image }: Specification, entry: number): readonly EntryPromise[] {
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EAX', hex(magic, 8)],
    ['EBX', `physical address of ${structure}`],
    ['CS', '32-bit read/execute code, base 0, limit 0xffffffff; any selector'],
    ['DS', DATA_SEGMENT],
    ['ES', DATA_SEGMENT],
    ['FS', DATA_SEGMENT],
    ['GS', DATA_SEGMENT],
    ['SS', DATA_SEGMENT],
    ['A20', 'enabled'],
    ['CR0.PG', '0'],
    ['CR0.PE', '1'],
    ['EFLAGS.VM', '0'],
    ['EFLAGS.IF', '0'],
    ['EFLAGS.DF', undefined],
    ['ESP', undefined],
    ['GDTR', undefined],
    ['IDTR', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
    ['EBP', undefined],
    ['ESI', undefined],
    ['EDI', undefined],
  ];
  return [
    { item: 'EIP', promise: `entry point, ${hex(entry, 8)}`, source: image },
    ...table.map(([item, promise]) => ({ item, promise, source: state })),
  ];
}
