import { SCI } from './acpi-description.ts';
import { little, setChecksum, text, type FirmwareTable } from './firmware-table.ts';
import { TIMER_PIN } from '../interrupts/interrupt-routing.ts';
import { IO_APIC_ADDRESS } from '../interrupts/io-apic.ts';
import { LOCAL_APIC_ADDRESS } from '../interrupts/local-apic-registers.ts';

/** The floating pointer is looked for at multiples of 16 from 0xf0000 on; the configuration table follows it. */
const FLOATING_POINTER = 0xf5b00;
const CONFIGURATION = 0xf5b10;
const HEADER_LENGTH = 44;

const BUS = { pci: 0, isa: 1 } as const;
const INTERRUPT = { vectored: 0, nonMaskable: 1, external: 3 } as const;
const ACTIVE_HIGH = 1;
/** A CPU with FPU and APIC, without more of CPUID (MultiProcessor Specification 1.4, table 4-5). */
const PROCESSOR = { signature: 0x600, features: 0x201 } as const;
/** An ISA interrupt is identity-mapped to its pin but for 0; 2 is the cascade, the SCI is listed with PCI. */
const ISA_INTERRUPTS = [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];

/** What a kernel without ACPI learns the APICs from (MultiProcessor Specification 1.4, chapter 4). */
export function multiprocessorTables(): FirmwareTable[] {
  const entries = [
    [
      0,
      0,
      0x14,
      0x03,
      ...little(4, PROCESSOR.signature),
      ...little(4, PROCESSOR.features),
      ...new Array<number>(8).fill(0),
    ],
    [1, BUS.pci, ...text(6, 'PCI')],
    [1, BUS.isa, ...text(6, 'ISA')],
    [2, 0, 0x11, 1, ...little(4, IO_APIC_ADDRESS)],
    [3, INTERRUPT.vectored, ...little(2, ACTIVE_HIGH), BUS.pci, 1 << 2, 0, SCI],
    ...ISA_INTERRUPTS.map((irq) => [3, INTERRUPT.vectored, 0, 0, BUS.isa, irq, 0, irq === 0 ? TIMER_PIN : irq]),
    [4, INTERRUPT.external, 0, 0, BUS.isa, 0, 0, 0],
    [4, INTERRUPT.nonMaskable, 0, 0, BUS.isa, 0, 0xff, 1],
  ];
  const body = entries.flat();
  const configuration = Uint8Array.from([
    ...[...text(4, 'PCMP'), ...little(2, HEADER_LENGTH + body.length), 4, 0],
    ...[...text(8, 'SODAY'), ...text(12, 'START OF DAY')],
    ...[...little(4, 0), ...little(2, 0), ...little(2, entries.length)],
    ...[...little(4, LOCAL_APIC_ADDRESS), ...little(2, 0), 0, 0],
    ...body,
  ]);
  setChecksum(configuration, 7);
  const pointer = Uint8Array.from([...text(4, '_MP_'), ...little(4, CONFIGURATION), 1, 4, 0, 0, 0, 0, 0, 0]);
  setChecksum(pointer, 10);
  return [
    { address: FLOATING_POINTER, bytes: pointer },
    { address: CONFIGURATION, bytes: configuration },
  ];
}
