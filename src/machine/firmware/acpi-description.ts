import { aml } from './acpi-machine-language.ts';
import { little } from './firmware-table.ts';

/** The system control interrupt, as the FADT has it. */
export const SCI = 9;

/** Resource descriptors (ACPI 6.4, 6.4.3.5): a range that the bus produces, fixed at both ends. */
const FIXED = 0x0c;
const RESOURCE = { memory: 0, io: 1, busNumber: 2 } as const;
/** All of the range, or for memory cacheable and writable. */
const ENTIRE_RANGE = 0x03;

function words(type: number, flags: number, first: number, last: number): number[] {
  const fields = [0, first, last, 0, last - first + 1].flatMap((value) => little(2, value));
  return [0x88, ...little(2, 3 + fields.length), type, FIXED, flags, ...fields];
}

function doubleWords(type: number, flags: number, first: number, last: number): number[] {
  const fields = [0, first, last, 0, last - first + 1].flatMap((value) => little(4, value));
  return [0x87, ...little(2, 3 + fields.length), type, FIXED, flags, ...fields];
}

/** The ports of configuration mechanism 1: IO (Decode16, 0xcf8, 0xcf8, 1, 8). */
const CONFIGURATION_PORTS = [0x47, 0x01, ...little(2, 0xcf8), ...little(2, 0xcf8), 1, 8];

/**
 * The DSDT's body:
 *
 *     Scope (\_SB) {
 *       Device (PCI0) {
 *         Name (_HID, EisaId ("PNP0A03"))
 *         Name (_UID, 0)
 *         Name (_CRS, ResourceTemplate () { bus 0, ports without 0xcf8-0xcff, 0xa0000-0xbffff, 0xc0000000-0xfebfffff })
 *         Name (_PRT, Package () { Package () { 0x1ffff, 0, 0, 9 } })
 *       }
 *     }
 *     Name (\_S5, Package () { 0, 0, 0, 0 })
 *
 * The one interrupt is INTA of device 1, the power management's SCI.
 */
export const DESCRIPTION: readonly number[] = [
  ...aml.scope('\\_SB_', [
    aml.device('PCI0', [
      aml.name('_HID', aml.eisaId('PNP0A03')),
      aml.name('_UID', aml.integer(0)),
      aml.name(
        '_CRS',
        aml.resources([
          words(RESOURCE.busNumber, 0, 0, 0),
          CONFIGURATION_PORTS,
          words(RESOURCE.io, ENTIRE_RANGE, 0x0000, 0x0cf7),
          words(RESOURCE.io, ENTIRE_RANGE, 0x0d00, 0xffff),
          doubleWords(RESOURCE.memory, ENTIRE_RANGE, 0xa0000, 0xbffff),
          doubleWords(RESOURCE.memory, 1, 0xc0000000, 0xfebfffff),
        ]),
      ),
      aml.name('_PRT', aml.package([aml.package([0x1ffff, 0, 0, SCI].map((value) => aml.integer(value)))])),
    ]),
  ]),
  ...aml.name('\\_S5_', aml.package([0, 0, 0, 0].map((value) => aml.integer(value)))),
];
