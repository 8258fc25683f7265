import { text, type FirmwareTable } from '../firmware-table.ts';

/**
 * The ROM in segment F000: what an interrupt vector leads to is a few instructions around an OUT to {@link SERVICE_PORT}, and the
 * service itself is done by the host there. Entry points and tables lie where those of the IBM PC AT lie, as software has come to expect.
 */
export const ROM_SEGMENT = 0xf000;
/** The OUT instructions of the ROM name it; nothing else may. */
export const SERVICE_PORT = 0xb8;

const VECTORS = 256;
/** Bytes from one default handler to the next: vector n's is at F000:0000 + 4n. */
const HANDLER_SIZE = 4;
const UPPER = 0xe000;

const SERVICE = [0xe6, SERVICE_PORT];
const IRET = 0xcf;
const HLT_WHILE_WAITING = [0xfb, 0xf4];
const NOP_WHILE_WAITING = [0xfb, 0x90];
/** `mov al, 20h; out 20h, al`: end of interrupt. */
const END_OF_INTERRUPT = [0xb0, 0x20, 0xe6, 0x20];

/** OUT; IRET. */
const plain = [...SERVICE, IRET];

/** OUT; JC +1; IRET; STI; HLT or NOP; JMP to the OUT: the host sets CF to be asked again, with interrupts let in between. */
function asksAgain(between: readonly number[]): number[] {
  return [...SERVICE, 0x72, 0x01, IRET, ...between, 0xeb, 0xf7];
}

/** OUT; JNC +2; INT n; IRET: the host sets CF to have the user's handler called. */
function mayCall(vector: number): number[] {
  return [...SERVICE, 0x73, 0x02, 0xcd, vector, IRET];
}

/** What the ROM's code at one place is for: the key of a service, and where its OUT instructions lie in it. */
interface Routine {
  readonly vector?: number;
  readonly offset: number;
  readonly code: readonly number[];
  /** By the offset of the OUT in the code. */
  readonly services: Readonly<Record<number, ServiceName>>;
}

/** A table that the memory map of a launch names. */
export interface NamedTable extends FirmwareTable {
  readonly name: string;
}

/** Every reason for which the ROM asks the host. */
export type ServiceName =
  | 'reset'
  | 'timer-tick'
  | 'video'
  | 'equipment'
  | 'memory-size'
  | 'disk'
  | 'serial'
  | 'system'
  | 'system-wait'
  | 'keyboard'
  | 'keyboard-interrupt'
  | 'printer'
  | 'no-basic'
  | 'boot'
  | 'clock'
  | 'clock-interrupt'
  | 'coprocessor-interrupt'
  | 'print-screen'
  | 'no-handler';

const ROUTINES: readonly Routine[] = [
  { offset: 0xe05b, code: plain, services: { 0: 'reset' } },
  { vector: 0x13, offset: 0xe3fe, code: plain, services: { 0: 'disk' } },
  { vector: 0x19, offset: 0xe6f2, code: plain, services: { 0: 'boot' } },
  { vector: 0x14, offset: 0xe739, code: asksAgain(NOP_WHILE_WAITING), services: { 0: 'serial' } },
  { vector: 0x16, offset: 0xe82e, code: asksAgain(HLT_WHILE_WAITING), services: { 0: 'keyboard' } },
  {
    // push ax; in al, 60h; mov ah, 4Fh; stc; int 15h; jnc +6; OUT; jnc +2; int 1Bh; end of interrupt; pop ax; iret
    vector: 0x09,
    offset: 0xe987,
    code: [
      ...[0x50, 0xe4, 0x60, 0xb4, 0x4f, 0xf9, 0xcd, 0x15, 0x73, 0x06],
      ...[...SERVICE, 0x73, 0x02, 0xcd, 0x1b, ...END_OF_INTERRUPT, 0x58, IRET],
    ],
    services: { 10: 'keyboard-interrupt' },
  },
  { vector: 0x40, offset: 0xec59, code: plain, services: { 0: 'disk' } },
  { vector: 0x17, offset: 0xefd2, code: plain, services: { 0: 'printer' } },
  { vector: 0x10, offset: 0xf065, code: plain, services: { 0: 'video' } },
  { vector: 0x12, offset: 0xf841, code: plain, services: { 0: 'memory-size' } },
  { vector: 0x11, offset: 0xf84d, code: plain, services: { 0: 'equipment' } },
  {
    // OUT; jc +1; iret; sti; nop; OUT; jmp to the jc
    vector: 0x15,
    offset: 0xf859,
    code: [...SERVICE, 0x72, 0x01, IRET, ...NOP_WHILE_WAITING, ...SERVICE, 0xeb, 0xf7],
    services: { 0: 'system', 7: 'system-wait' },
  },
  { vector: 0x18, offset: 0xfd00, code: plain, services: { 0: 'no-basic' } },
  { vector: 0x70, offset: 0xfd10, code: mayCall(0x4a), services: { 0: 'clock-interrupt' } },
  { vector: 0x75, offset: 0xfd20, code: [...SERVICE, 0xcd, 0x02, IRET], services: { 0: 'coprocessor-interrupt' } },
  { vector: 0x1a, offset: 0xfe6e, code: plain, services: { 0: 'clock' } },
  {
    // OUT; int 1Ch; push ax; end of interrupt; pop ax; iret
    vector: 0x08,
    offset: 0xfea5,
    code: [...SERVICE, 0xcd, 0x1c, 0x50, ...END_OF_INTERRUPT, 0x58, IRET],
    services: { 0: 'timer-tick' },
  },
  { vector: 0x05, offset: 0xff54, code: plain, services: { 0: 'print-screen' } },
];

/** A lone IRET, and the vectors whose default does nothing: single step, NMI, breakpoint, overflow, Ctrl-Break, user tick, alarm. */
const DO_NOTHING = 0xff53;
const QUIET_VECTORS: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04, 0x1b, 0x1c, 0x4a]);

/** What INT 15h AH=C0h points to: length, model FCh (AT), submodel, revision, features: second 8259, clock, INT 15h AH=4Fh, EBDA; INT 16h AH=09h. */
export const CONFIGURATION_TABLE = {
  offset: 0xe6f5,
  bytes: [0x08, 0x00, 0xfc, 0x00, 0x01, 0x74, 0x40, 0x00, 0x00, 0x00],
};
/** INT 1Eh: how a 1.44 MB diskette drive would be programmed. */
const DISKETTE_PARAMETERS = {
  offset: 0xefc7,
  bytes: [0xaf, 0x02, 0x25, 0x02, 0x12, 0x1b, 0xff, 0x6c, 0xf6, 0x0f, 0x08],
};
const RESET_VECTOR = { offset: 0xfff0, bytes: [0xea, 0x5b, 0xe0, 0x00, 0xf0] };
const DATE = { offset: 0xfff5, bytes: text(8, '06/23/99') };
const MODEL = { offset: 0xfffe, bytes: [0xfc] };
/** Vectors that point to data: diskette parameters. The others (fixed disks, character shapes, video parameters) there are none of. */
const DATA_VECTORS: ReadonlyMap<number, number> = new Map([[0x1e, DISKETTE_PARAMETERS.offset]]);
const EMPTY_VECTORS: ReadonlySet<number> = new Set([0x1d, 0x1f, 0x41, 0x43, 0x46]);

/** What an OUT of the ROM asks for. */
export interface ServiceRequest {
  readonly name: ServiceName;
  /** The interrupt vector that led there; undefined for a jump. */
  readonly vector: number | undefined;
}

/** The service that the OUT at an offset of segment F000 asks for; undefined where the ROM has none. */
export function serviceAt(offset: number): ServiceRequest | undefined {
  if (offset < VECTORS * HANDLER_SIZE)
    return offset % HANDLER_SIZE === 0 ? { name: 'no-handler', vector: offset / HANDLER_SIZE } : undefined;
  for (const routine of ROUTINES) {
    const name = routine.services[offset - routine.offset];
    if (name !== undefined) return { name, vector: routine.vector };
  }
  return undefined;
}

/** The interrupt vectors at 0000:0000, and the two parts of the ROM. Between them lie the tables of ACPI and the multiprocessor specification. */
export function romTables(): readonly NamedTable[] {
  const upper = new Uint8Array(0x10000 - UPPER);
  for (const { offset, code } of ROUTINES) upper.set(code, offset - UPPER);
  for (const { offset, bytes } of [CONFIGURATION_TABLE, DISKETTE_PARAMETERS, RESET_VECTOR, DATE, MODEL])
    upper.set(bytes, offset - UPPER);
  upper[DO_NOTHING - UPPER] = IRET;
  const handlers = new Uint8Array(VECTORS * HANDLER_SIZE);
  for (let vector = 0; vector < VECTORS; vector++) handlers.set(plain, vector * HANDLER_SIZE);
  const rom = ROM_SEGMENT * 16;
  return [
    { name: 'interrupt vectors', address: 0, bytes: vectorTable() },
    { name: 'BIOS ROM, default handlers', address: rom, bytes: handlers },
    { name: 'BIOS ROM', address: rom + UPPER, bytes: upper },
  ];
}

function vectorTable(): Uint8Array {
  const bytes = new Uint8Array(VECTORS * 4);
  const view = new DataView(bytes.buffer);
  const routines = new Map(ROUTINES.map(({ vector, offset }) => [vector, offset]));
  for (let vector = 0; vector < VECTORS; vector++) {
    if (EMPTY_VECTORS.has(vector)) continue;
    const quiet = QUIET_VECTORS.has(vector) ? DO_NOTHING : undefined;
    const offset = routines.get(vector) ?? DATA_VECTORS.get(vector) ?? quiet ?? vector * HANDLER_SIZE;
    view.setUint16(vector * 4, offset, true);
    view.setUint16(vector * 4 + 2, ROM_SEGMENT, true);
  }
  return bytes;
}
