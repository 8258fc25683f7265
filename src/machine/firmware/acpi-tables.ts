import { alignUp } from '../../util/bytes.ts';
import { internalError } from '../../util/errors.ts';
import { DESCRIPTION, SCI } from './acpi-description.ts';
import { little, little64, setChecksum, text, type FirmwareTable } from './firmware-table.ts';
import { HPET_ADDRESS, HPET_CAPABILITIES } from '../timers/hpet-registers.ts';
import { TIMER_PIN } from '../interrupts/interrupt-routing.ts';
import { IO_APIC_ADDRESS } from '../interrupts/io-apic.ts';
import { LOCAL_APIC_ADDRESS } from '../interrupts/local-apic-registers.ts';
import { ACPI_COMMAND, POWER_PORT } from '../chipset/power-management.ts';

/** The root pointer is looked for at multiples of 16 from 0xe0000 to 0xfffff; the tables lie behind it in the same reserved memory. */
export const ACPI_ROOT_POINTER = 0xf5a00;
const TABLES = 0xf6000;

const OEM = text(6, 'SODAY');
const OEM_TABLE = text(8, 'STARTDAY');
const CREATOR = text(4, 'SOD');
const HEADER_LENGTH = 36;
const CHECKSUM = 9;

/** ACPI tables (ACPI 6.4, chapter 5): RSDP, RSDT, XSDT, FADT, FACS, DSDT, MADT, HPET. Addresses and lengths are bytes, physical. Without APICs no MADT. */
export function acpiTables(apic: boolean): FirmwareTable[] {
  const tables: FirmwareTable[] = [];
  let free = TABLES;
  const place = (bytes: Uint8Array, alignment = 16): number => {
    const address = alignUp(free, alignment);
    tables.push({ address, bytes });
    free = address + bytes.length;
    return address;
  };
  const facs = place(firmwareControl(), 64);
  const dsdt = place(table('DSDT', 1, DESCRIPTION));
  const described = [
    place(table('FACP', 3, fixedDescription(facs, dsdt))),
    ...(apic ? [place(table('APIC', 1, interruptDescription()))] : []),
    place(table('HPET', 1, timerDescription())),
  ];
  const rsdt = place(
    table(
      'RSDT',
      1,
      described.flatMap((address) => little(4, address)),
    ),
  );
  const xsdt = place(table('XSDT', 1, described.flatMap(little64)));
  return [...tables, { address: ACPI_ROOT_POINTER, bytes: rootPointer(rsdt, xsdt) }];
}

/** The root pointer (RSDP, revision 2) of {@link acpiTables}: 36 bytes. */
export function acpiRootPointer(apic: boolean): FirmwareTable {
  const root = acpiTables(apic).find(({ address }) => address === ACPI_ROOT_POINTER);
  if (root === undefined) throw internalError('there is no ACPI root pointer');
  return root;
}

function table(signature: string, revision: number, body: readonly number[]): Uint8Array {
  const length = HEADER_LENGTH + body.length;
  const bytes = Uint8Array.from([
    ...text(4, signature),
    ...little(4, length),
    revision,
    0,
    ...OEM,
    ...OEM_TABLE,
    ...little(4, 1),
    ...CREATOR,
    ...little(4, 1),
    ...body,
  ]);
  setChecksum(bytes, CHECKSUM);
  return bytes;
}

/** RSDP, revision 2 (5.2.5.3). The first checksum is over the 20 bytes of revision 0. */
function rootPointer(rsdt: number, xsdt: number): Uint8Array {
  const bytes = Uint8Array.from([
    ...text(8, 'RSD PTR '),
    0,
    ...OEM,
    2,
    ...little(4, rsdt),
    ...little(4, 36),
    ...little64(xsdt),
    ...little(4, 0),
  ]);
  setChecksum(bytes, 8, 0, 20);
  setChecksum(bytes, 32);
  return bytes;
}

/** FACS (5.2.10): no waking vector, global lock free. */
function firmwareControl(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([...text(4, 'FACS'), ...little(4, 64)]);
  return bytes;
}

/** Generic address (5.2.3.2) of an I/O port, `bits` wide; without one, all zero. */
function port(address: number, bits: number): number[] {
  return [1, bits, 0, 0, ...little64(address)];
}
const NO_PORT = new Array<number>(12).fill(0);

/** WBINVD works, C1, no sleep button, reset register, timer for the platform's time. */
const FADT_FLAGS = 0x0001 | 0x0004 | 0x0020 | 0x0400 | 0x8000;
/** Legacy devices, 8042. */
const BOOT_ARCHITECTURE = 0x0003;
/** Latencies that say: no C2 and no C3. */
const NO_POWER_STATE = 0x0fff;
const CMOS_CENTURY = 0x32;
const RESET = { port: 0xcf9, value: 0x06 } as const;

/** FADT, revision 3 (5.2.9). */
function fixedDescription(facs: number, dsdt: number): number[] {
  const { event, control, timer, generalEvent, command } = POWER_PORT;
  return [
    ...[...little(4, facs), ...little(4, dsdt), 0, 0, ...little(2, SCI)],
    ...[...little(4, command), ACPI_COMMAND.enable, ACPI_COMMAND.disable, 0, 0],
    // PM1a and PM1b events, PM1a and PM1b control, PM2, timer, GPE0, GPE1; then their lengths and GPE1's first event.
    ...[event, 0, control, 0, 0, timer, generalEvent, 0].flatMap((address) => little(4, address)),
    ...[4, 2, 0, 4, 4, 0, 0, 0],
    ...[...little(2, NO_POWER_STATE), ...little(2, NO_POWER_STATE), ...little(4, 0), 0, 0],
    ...[0, 0, CMOS_CENTURY, ...little(2, BOOT_ARCHITECTURE), 0, ...little(4, FADT_FLAGS)],
    ...[...port(RESET.port, 8), RESET.value, 0, 0, 0, ...little64(facs), ...little64(dsdt)],
    ...[...port(event, 32), ...NO_PORT, ...port(control, 16), ...NO_PORT, ...NO_PORT],
    ...[...port(timer, 32), ...port(generalEvent, 32), ...NO_PORT],
  ];
}

/** Bits of an override: active high, level-triggered. */
const ACTIVE_HIGH_LEVEL = 0x000d;
/** ISA interrupts that PCI devices and the SCI may use. */
const LEVEL_INTERRUPTS = [5, SCI, 10, 11];

/** MADT (5.2.12): one processor, one I/O APIC, where its pins are not the ISA interrupts, NMI at LINT1. There are 8259s too. */
function interruptDescription(): number[] {
  const override = (irq: number, pin: number, flags: number): number[] => [
    2,
    10,
    0,
    irq,
    ...little(4, pin),
    ...little(2, flags),
  ];
  return [
    ...[...little(4, LOCAL_APIC_ADDRESS), ...little(4, 1)],
    ...[0, 8, 0, 0, ...little(4, 1)],
    ...[1, 12, 0, 0, ...little(4, IO_APIC_ADDRESS), ...little(4, 0)],
    ...override(0, TIMER_PIN, 0),
    ...LEVEL_INTERRUPTS.flatMap((irq) => override(irq, irq, ACTIVE_HIGH_LEVEL)),
    ...[4, 6, 0xff, ...little(2, 0), 1],
  ];
}

/** HPET table (IA-PC HPET 1.0a, 3.2.4): the low half of its capabilities, its address in memory. */
function timerDescription(): number[] {
  return [...little(4, HPET_CAPABILITIES), 0, 0, 0, 0, ...little64(HPET_ADDRESS), 0, ...little(2, 0), 0];
}
