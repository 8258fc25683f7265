import { SEGMENT } from '../../../cpu/state.ts';
import { TICKS_PER_SECOND } from '../../clock.ts';
import { memoryMap, MIB } from '../memory-map.ts';
import type { BiosCall, BiosService } from './bios-call.ts';
import { DATA, EXTENDED_DATA_SEGMENT } from './bios-data-area.ts';
import { CONFIGURATION_TABLE, ROM_SEGMENT } from './rom.ts';

const STATUS = { success: 0x00, waiting: 0x83, unsupported: 0x86 } as const;
const KIB = 1024;
/** "SMAP" */
const MAP_SIGNATURE = 0x534d4150;
/** Bytes of an entry of the map, without and with the attributes that ACPI 3.0 added. */
const MAP_ENTRY = 20;
const MAP_ENTRY_ACPI = 24;
/** Attribute bit 0: the entry is not to be ignored. */
const MAP_ENABLED = 1;
const TICKS_PER_MICROSECOND = TICKS_PER_SECOND / 1_000_000;
const SYSTEM_CONTROL = 0x92;
const FAST_A20 = 0x02;

/** INT 15h by AH (IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 15h - System Services"; ACPI 6.4, 15.1 for E820h). */
const FUNCTIONS: Readonly<Record<number, BiosService>> = {
  0x24: addressLine20,
  0x4f: (call) => {
    // Keyboard intercept: the scan code passes.
    call.carry = true;
  },
  0x86: wait,
  0x87: moveBlock,
  0x88: (call) => {
    call.ax = Math.min(63 * KIB, (memorySize(call) - MIB) / KIB);
    call.carry = false;
  },
  // Device busy, interrupt complete: nobody else waits.
  0x90: () => undefined,
  0x91: () => undefined,
  0xc0: (call) => {
    call.es = ROM_SEGMENT;
    call.bx = CONFIGURATION_TABLE.offset;
    call.succeed(STATUS.success);
  },
  0xc1: (call) => {
    call.es = EXTENDED_DATA_SEGMENT;
    call.carry = false;
  },
  0xe8: (call) => {
    if (call.al === 0x01) extendedMemory(call);
    else if (call.al === 0x20) memoryMapEntry(call);
    else unsupported(call);
  },
};

/** INT 15h. What is not here fails as on any BIOS: CF 1, AH 86h. */
export function system(call: BiosCall): void {
  (FUNCTIONS[call.ah] ?? unsupported)(call);
}

function unsupported(call: BiosCall): void {
  call.lacks();
  call.fail(STATUS.unsupported);
}

function memorySize(call: BiosCall): number {
  return call.host.cpu.state.ramSize;
}

/** AH=24h: 00 off, 01 on, 02 state, 03 which ways there are: 8042 and port 0x92. */
function addressLine20(call: BiosCall): void {
  const control = call.input(SYSTEM_CONTROL);
  switch (call.al) {
    case 0x00:
    case 0x01:
      call.output(SYSTEM_CONTROL, call.al === 0 ? control & ~FAST_A20 : control | FAST_A20);
      break;
    case 0x02:
      call.al = (control & FAST_A20) !== 0 ? 1 : 0;
      break;
    case 0x03:
      call.bx = 3;
      break;
    default:
      unsupported(call);
      return;
  }
  call.succeed(STATUS.success);
}

/** AX=E801h: KiB between 1 and 16 MiB in AX and CX, 64 KiB above 16 MiB in BX and DX. */
function extendedMemory(call: BiosCall): void {
  const size = memorySize(call);
  call.cx = Math.min(15 * MIB, size - MIB) / KIB;
  call.dx = Math.max(0, size - 16 * MIB) / (64 * KIB);
  call.ax = call.cx;
  call.bx = call.dx;
  call.carry = false;
}

/** AX=E820h: entry EBX of the map to ES:DI, with attributes where the buffer has room for them. */
function memoryMapEntry(call: BiosCall): void {
  const map = memoryMap(memorySize(call));
  const index = call.ebx;
  const entry = map[index];
  if (call.edx !== MAP_SIGNATURE || entry === undefined || call.ecx < MAP_ENTRY) {
    call.fail(STATUS.unsupported);
    return;
  }
  const size = call.ecx >= MAP_ENTRY_ACPI ? MAP_ENTRY_ACPI : MAP_ENTRY;
  const words = [entry.address, 0, entry.size, 0, entry.type, MAP_ENABLED].slice(0, size / 4);
  for (const [n, word] of words.entries()) call.write(call.linear(SEGMENT.es, call.di + n * 4), 32, word);
  call.eax = MAP_SIGNATURE;
  call.ecx = size;
  call.ebx = index + 1 < map.length ? index + 1 : 0;
  call.carry = false;
}

/** Offsets of the descriptors in the table at ES:SI. */
const MOVE = { source: 0x10, destination: 0x18 } as const;

/** AH=87h: CX words between any two places in the first 4 GiB, with address line 20 on. */
function moveBlock(call: BiosCall): void {
  const { memory } = call.host.cpu;
  const base = (descriptor: number): number => {
    const at = (offset: number, width: 8 | 16): number =>
      call.read(call.linear(SEGMENT.es, call.si + descriptor + offset), width);
    return (at(2, 16) | (at(4, 8) << 16) | (at(7, 8) << 24)) >>> 0;
  };
  const source = base(MOVE.source);
  const destination = base(MOVE.destination);
  const control = call.input(SYSTEM_CONTROL);
  call.output(SYSTEM_CONTROL, control | FAST_A20);
  for (let at = 0; at < call.cx * 2; at += 2)
    memory.writePhysical(destination + at, 16, memory.readPhysical(source + at, 16));
  call.output(SYSTEM_CONTROL, control);
  call.succeed(STATUS.success);
}

/** AH=86h: CX:DX microseconds. The end is kept in the data area, and the ROM asks again until it is past. */
function wait(call: BiosCall): void {
  if (call.read(DATA.waitActive, 8) !== 0) {
    call.fail(STATUS.waiting);
    return;
  }
  call.write(DATA.waitActive, 8, 1);
  call.write(DATA.waitEnd, 32, (microsecond(call) + call.cx * 0x10000 + call.dx) % 2 ** 32);
  systemWait(call);
}

/** Goes on with {@link wait}. */
export function systemWait(call: BiosCall): void {
  const left = (call.read(DATA.waitEnd, 32) - microsecond(call)) | 0;
  call.repeat = left > 0;
  if (call.repeat) {
    call.host.pollUntil(call.host.clock.now + left * TICKS_PER_MICROSECOND);
    return;
  }
  call.write(DATA.waitActive, 8, 0);
  call.carry = false;
}

function microsecond(call: BiosCall): number {
  return Math.floor(call.host.clock.now / TICKS_PER_MICROSECOND) % 2 ** 32;
}
