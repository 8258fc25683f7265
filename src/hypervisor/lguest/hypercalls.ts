import {
  LGUEST_GDT_ENTRIES,
  LGUEST_GDT_ENTRY,
  LGUEST_PRIVILEGE,
  LGUEST_RING_ENTRIES,
  LGUEST_RING_FREE,
  LGUEST_SHUTDOWN,
  LGUEST_SWITCHER,
} from '../../abi/lguest.ts';
import type { HypercallLog } from '../../machine/hypercall-log.ts';
import { decodeCString } from '../../util/bytes.ts';
import { hex } from '../../util/hex.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import { callerOf } from '../guest-access.ts';
import type { AddressSpace } from './address-space.ts';
import { printString, sendDma } from './console.ts';
import type { LguestGuest } from './guest.ts';
import type { VirtualInterrupts } from './interrupts.ts';
import type { Switcher } from './switcher.ts';
import { SYSTEM_CALL, type Traps } from './traps.ts';

/** What the calls work on. */
export interface LguestParts {
  readonly guest: LguestGuest;
  readonly space: AddressSpace;
  readonly switcher: Switcher;
  readonly traps: Traps;
  readonly interrupts: VirtualInterrupts;
}

/** What a call does with its arguments. */
type Action<Result> = (parts: LguestParts, a: number, b: number, c: number) => Result;

const TLS_ENTRIES = 3;
/** Bytes of a message that are looked at: `char msg[128]`, ended by force. */
const MESSAGE = 127;
const RESERVED_MEMORY = 2 ** 32 - LGUEST_SWITCHER;
/** The time stamp counter counts ticks of 10 ns. */
const TSC_KILOHERTZ = 100_000;
/** What lguest_power_off says, other than a panic. */
const POWER_DOWN = 'Power down';

/** The calls that leave EAX alone. */
const ACTIONS: Readonly<Record<string, Action<void>>> = {
  // The two do nothing but give the CPU to the host, which runs the ring and looks for interrupts.
  FLUSH_ASYNC: () => undefined,
  SEND_INTERRUPTS: () => undefined,
  LGUEST_INIT: ({ guest }) => guest.kill('already have lguest_data'),
  CRASH: ({ guest }, message, reason) => end(guest, message, reason),
  SHUTDOWN: ({ guest }, message, reason) => end(guest, message, reason),
  LOAD_GDT: (parts, table, entries) => loadGdt(parts, table, entries),
  LOAD_GDT_ENTRY: ({ guest, switcher }, entry, low, high) =>
    entry < LGUEST_GDT_ENTRIES ? switcher.setSegment(entry, low, high) : guest.kill(`too many gdt entries ${entry}`),
  LOAD_TLS: ({ guest, switcher }, table) => {
    const { tls } = LGUEST_GDT_ENTRY;
    for (const n of Array(TLS_ENTRIES).keys())
      switcher.setSegment(tls + n, guest.read32(table + n * 8), guest.read32(table + n * 8 + 4));
  },
  NEW_PGTABLE: ({ space }, directory) => space.change(directory),
  FLUSH_TLB: ({ space }) => space.load(),
  SET_PTE: ({ space }, _directory, address, entry) => space.setPageEntry(address, entry),
  SET_PGD: ({ space }, directory, index) => space.setDirectoryEntry(directory, index),
  SET_PMD: ({ guest, space }, directory, index) =>
    // From 2.6.31 on this is the middle level of PAE, which a host without PAE does not know.
    guest.interface.calls.get(15)?.name === 'SET_PMD'
      ? space.setDirectoryEntry(directory, index)
      : guest.kill('Bad hypercall 13: SET_PMD is for PAE, which this lguest does not have'),
  LOAD_IDT_ENTRY: ({ traps }, vector, low, high) => traps.setGate(vector, low, high),
  SET_STACK: (parts, ss, esp, pages) => setStack(parts, ss, esp, pages),
  TS: ({ guest }, on) => {
    const { state } = guest.host.cpu;
    state.setControl(0, on === 0 ? state.control(0) & ~CR0.TS : state.control(0) | CR0.TS);
    guest.host.cpu.codeContextChanged();
  },
  SET_CLOCKEVENT: ({ interrupts }, nanoseconds) => interrupts.setClock(nanoseconds),
  HALT: ({ interrupts }) => interrupts.halt(),
  NOTIFY: ({ guest }, address) => printString(guest, address),
  SEND_DMA: ({ guest }, key, dma) => sendDma(guest, key, dma),
};

/** The calls that answer in EAX. */
const ANSWERS: Readonly<Record<string, Action<number>>> = {
  TIMER_READ: ({ interrupts }) => interrupts.readTimer(),
  GET_WALLCLOCK: ({ interrupts }) => interrupts.seconds(),
  BIND_DMA: ({ guest }, key) => {
    guest.host.reportGap(`lguest: BIND_DMA for key ${hex(key)}: nothing is ever received here`);
    return 1;
  },
};

/** Hypercalls: their numbers, arguments and order are those of the guest's revision (hypercalls.c). */
export class LguestHypercalls {
  /** Entry of the ring that the guest fills next. */
  nextInRing = 0;
  private readonly parts: LguestParts;
  private readonly log: HypercallLog;

  constructor(parts: LguestParts, log: HypercallLog) {
    this.parts = parts;
    this.log = log;
  }

  /** INT 0x1f at the guest's level: EAX has the number. First what waits in the ring, then the call itself. */
  make(): void {
    const { guest } = this.parts;
    const { state } = guest.host.cpu;
    const number = state.register32(REGISTER.eax);
    const given = guest.interface.registers.map((name) => state.register32(REGISTER[name]));
    if (guest.data === undefined) {
      this.one(number, given, () => {
        this.initialize(number, given[0] ?? 0);
      });
      return;
    }
    this.runRing();
    if (guest.death !== undefined) return;
    const result = this.one(number, given);
    if (result !== undefined) state.setRegister32(REGISTER.eax, result >>> 0);
  }

  /** do_async_hcalls */
  private runRing(): void {
    const { guest } = this.parts;
    const { hcall_status, hcalls } = guest.interface.data;
    const { ringOrder } = guest.interface;
    const { data } = guest;
    if (data === undefined) return;
    for (let done = 0; done < LGUEST_RING_ENTRIES && guest.death === undefined; done++) {
      const entry = this.nextInRing;
      if (guest.read8(data + hcall_status + entry) === LGUEST_RING_FREE) return;
      const at = data + hcalls + entry * ringOrder.length * 4;
      const words = ringOrder.map((_, index) => guest.read32(at + index * 4));
      const inOrder = [...ringOrder.keys()].map((which) => words[ringOrder.indexOf(which)] ?? 0);
      const [number = 0, ...given] = inOrder;
      this.one(number, given);
      this.nextInRing = (entry + 1) % LGUEST_RING_ENTRIES;
      guest.write8(data + hcall_status + entry, LGUEST_RING_FREE);
    }
  }

  /** Runs and records one call. */
  private one(number: number, given: readonly number[], run?: () => void): number | undefined {
    const { guest } = this.parts;
    const known = guest.interface.calls.get(number);
    const name = known?.name ?? `hypercall_${number}`;
    const names = known?.arguments ?? guest.interface.registers;
    const call = {
      number,
      name,
      arguments: names.map((argument, n) => ({
        name: argument,
        value: BigInt(given[n] ?? 0),
        ...(argument === 'message' ? { text: `"${messageAt(guest, given[n] ?? 0)}"` } : {}),
      })),
      caller: callerOf(guest.host),
    };
    const [a = 0, b = 0, c = 0] = given;
    return this.log.make(call, () => {
      if (run !== undefined) run();
      else if (known === undefined) guest.kill(`Bad hypercall ${number}`);
      else ACTIONS[name]?.(this.parts, a, b, c);
      return run === undefined ? ANSWERS[name]?.(this.parts, a, b, c) : undefined;
    });
  }

  /** LHCALL_LGUEST_INIT, which must be the first. */
  private initialize(number: number, data: number): void {
    const { guest, space, interrupts } = this.parts;
    const layout = guest.interface.data;
    if (guest.interface.calls.get(number)?.name !== 'LGUEST_INIT') return guest.kill(`hypercall ${number} before INIT`);
    if (!guest.covers(data, layout.size)) return guest.kill(`bad guest page ${hex(data)}`);
    guest.data = data;
    guest.setField(layout.tsc_khz, TSC_KILOHERTZ);
    if (layout.syscall_vec !== undefined && guest.field(layout.syscall_vec) !== SYSTEM_CALL)
      guest.kill('bad syscall vector');
    const start = guest.field(layout.noirq_start);
    interrupts.quiet = { start, end: layout.noirq_end === undefined ? start + 1 : guest.field(layout.noirq_end) };
    interrupts.writeTime();
    guest.setField(layout.reserve_mem, RESERVED_MEMORY);
    guest.setField(layout.pgdir, space.directory);
    const kernel = guest.field(layout.kernel_address);
    if (kernel >= LGUEST_SWITCHER) guest.kill(`bad kernel address ${hex(kernel)}`);
    space.load();
  }
}

function loadGdt({ guest, switcher }: LguestParts, table: number, entries: number): void {
  if (entries > LGUEST_GDT_ENTRIES) return guest.kill(`too many gdt entries ${entries}`);
  const bytes = guest.readBytes(table, entries * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let n = 0; n < entries; n++)
    switcher.setSegment(n, view.getUint32(n * 8, true), view.getUint32(n * 8 + 4, true));
}

function setStack({ guest, space, switcher }: LguestParts, ss: number, esp: number, pages: number): void {
  if ((ss & 3) !== LGUEST_PRIVILEGE) guest.kill(`bad stack segment ${ss}`);
  if (pages > 2) return guest.kill(`bad stack pages ${pages}`);
  switcher.setStack(ss, esp);
  // The host sees to it that the stack is mapped: a trap finds no way out where it is not.
  for (let page = 0; page < pages; page++) {
    const at = (esp - 1 - page * 4096) >>> 0;
    if (!space.isWritable(at)) guest.kill(`bad stack page ${hex(at)}`);
  }
}

/** The guest's last words. */
function end(guest: LguestGuest, message: number, reason: number): void {
  const bytes = guest.readBytes(message, MESSAGE + 1);
  if (guest.death !== undefined) return;
  const text = decodeCString(bytes.subarray(0, MESSAGE));
  guest.death = text;
  const restart = reason === LGUEST_SHUTDOWN.restart && guest.interface.calls.get(2)?.arguments.length === 2;
  const what = restart ? 'asks for a restart' : text === POWER_DOWN ? 'powers off' : 'crashed';
  const asked = restart || text === POWER_DOWN;
  guest.host.stop({ reason: asked ? 'shutdown' : 'error', description: `The lguest guest ${what}: "${text}".` });
}

/** For the record of a call: nothing happens to a guest that names no memory. */
function messageAt(guest: LguestGuest, address: number): string {
  return guest.covers(address, MESSAGE + 1) ? decodeCString(guest.host.memory.read(address, MESSAGE)) : '';
}
