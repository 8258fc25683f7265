import { CpuFault, Unimplemented } from '../../cpu/fault.ts';
import { SEGMENT } from '../../cpu/state.ts';
import { enterCode, readTarget, requireCode, requirePresent } from '../../cpu/system/code-segment.ts';
import { cacheOf, markAccessed, type SelectorUse, type TableEntry } from '../../cpu/system/descriptor-table.ts';
import { checkStackSegment, DATA_REGISTERS, nullSegment } from '../../cpu/system/segment-load.ts';
import type { DeviceState } from '../../machine/device.ts';
import { hex } from '../../util/hex.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { formatException, VECTOR } from '../../x86/exceptions.ts';
import { REGISTER } from '../../x86/registers.ts';
import { isNullSelector } from '../../x86/selector.ts';
import type { Domain } from './domain.ts';
import type { SharedPage } from './shared-page.ts';
import { XenError } from './xen-error.ts';

/** Where a handler of the guest is. */
interface Handler {
  readonly cs: number;
  readonly eip: number;
}
interface TrapEntry extends Handler {
  /** Least privileged level whose INT n may come here. */
  readonly dpl: number;
  /** Events are masked while it runs. */
  readonly masks: boolean;
}

/** The state that a handler returns to. */
interface Saved {
  readonly cs: number;
  readonly eip: number;
  readonly eflags: number;
  readonly ss: number;
  readonly esp: number;
}

/** What goes into a frame beside the saved state. */
interface Bounce {
  readonly handler: Handler;
  /** What the handler is for, in a sentence on why it cannot be entered. */
  readonly what: string;
  readonly masks: boolean;
  readonly errorCode?: number;
  /** DS, ES, FS and GS are pushed, and hold null selectors in the handler. */
  readonly failsafe?: boolean;
}

/** What Xen takes for a handler where there is none: its null CS ends the domain, with the frame on the stack. */
const NO_HANDLER: TrapEntry = { cs: 0, eip: 0, dpl: 0, masks: false };
const USE: SelectorUse = { name: 'handler CS', vector: VECTOR.GP, external: 0 };
const RETURN_CS: SelectorUse = { name: 'HYPERVISOR_iret: CS', vector: VECTOR.GP, external: 0 };
const RETURN_SS: SelectorUse = { name: 'HYPERVISOR_iret: SS', vector: VECTOR.GP, external: 0 };
/** Cleared in the flags that a handler starts with. */
const CLEARED = EFLAGS.TF | EFLAGS.VM | EFLAGS.RF | EFLAGS.NT;
/** Entries that set_trap_table reads at most: a table without an end must not be endless. */
const VECTORS = 256;
const CALLBACK = { event: 0, failsafe: 1, sysenterOld: 3, nmi: 4, sysenter: 5, syscall32: 7 } as const;
const UNUSED_CALLBACKS: ReadonlySet<number> = new Set([
  CALLBACK.sysenterOld,
  CALLBACK.nmi,
  CALLBACK.sysenter,
  CALLBACK.syscall32,
]);

/** The guest's handlers, and how control gets there and back (Xen 4.2, arch/x86/x86_32/entry.S and traps.c). */
export class Traps {
  private readonly domain: Domain;
  private readonly shared: SharedPage;
  private readonly hole: number;
  private table = new Map<number, TrapEntry>();
  private stack: { ss: number; esp: number };
  private event: Handler | undefined;
  private failsafe: (Handler & { readonly masks: boolean }) | undefined;

  /** `hole`: first linear address that is Xen's. The stack for what comes from ring 3 is at first that of the entry. */
  constructor(domain: Domain, shared: SharedPage, hole: number) {
    this.domain = domain;
    this.shared = shared;
    this.hole = hole;
    const { state } = domain.host.cpu;
    this.stack = { ss: state.segment(SEGMENT.ss).selector, esp: state.register32(REGISTER.esp) };
  }

  /** The guest has a handler for some exception. */
  get any(): boolean {
    return this.table.size > 0;
  }

  /** HYPERVISOR_set_trap_table; 0 takes all handlers away. */
  setTable(linear: number): number {
    const { guest } = this.domain;
    if (linear === 0) {
      this.table.clear();
      return 0;
    }
    for (let n = 0; n < VECTORS; n++) {
      const at = linear + n * 8;
      const [vector, flags, cs, eip] = [
        guest.read8(at),
        guest.read8(at + 1),
        guest.read16(at + 2),
        guest.read32(at + 4),
      ];
      if (eip === 0) return 0;
      this.table.set(vector, { cs: guestSelector(cs), eip, dpl: flags & 3, masks: (flags & 4) !== 0 });
    }
    return 0;
  }

  setCallbacks(event: Handler, failsafe: Handler): number {
    this.event = { ...event, cs: guestSelector(event.cs) };
    this.failsafe = { ...failsafe, cs: guestSelector(failsafe.cs), masks: false };
    return 0;
  }

  /** HYPERVISOR_callback_op: {u16 type, u16 flags, u32 cs, u32 eip}. */
  callback(cmd: number, arg: number): number {
    const { guest } = this.domain;
    const type = guest.read16(arg);
    if (cmd === 1) {
      if (type === CALLBACK.nmi) return 0;
      throw new XenError('EINVAL', `a callback of type ${type} cannot be taken away`);
    }
    if (cmd !== 0) throw new XenError('ENOSYS', `there is no callback_op ${cmd}`);
    const handler = { cs: guestSelector(guest.read32(arg + 4) & 0xffff), eip: guest.read32(arg + 8) };
    if (type === CALLBACK.event) this.event = handler;
    else if (type === CALLBACK.failsafe) this.failsafe = { ...handler, masks: (guest.read16(arg + 2) & 1) !== 0 };
    // Xen keeps the others as well. Nothing ever comes by them here: there is no NMI, and Xen offers neither SYSENTER nor SYSCALL.
    else if (!UNUSED_CALLBACKS.has(type))
      throw new XenError('ENOSYS', `a 32-bit guest has no callback of type ${type}`);
    return 0;
  }

  /** HYPERVISOR_stack_switch. */
  setStack(ss: number, esp: number): number {
    this.stack = { ss: guestSelector(ss & 0xffff), esp };
    return 0;
  }

  /** Enters the guest's handler of an exception; ends the domain where there is none. */
  raise(fault: CpuFault): void {
    const { address } = fault.operands;
    if (fault.vector === VECTOR.PF && address !== undefined) this.shared.cr2 = address;
    const entry = this.table.get(fault.vector) ?? NO_HANDLER;
    this.enter({
      handler: entry,
      masks: entry.masks,
      errorCode: fault.errorCode,
      what: `${formatException(fault.vector, fault.errorCode)} (${fault.reason})`,
    });
  }

  /** INT n of the guest: EIP is behind it. False: the vector has no handler, or one that this level may not call. */
  interrupt(vector: number): boolean {
    // The gates of INT3 and INTO are Xen's, and open to everybody.
    const open = vector === VECTOR.BP || vector === VECTOR.OF;
    const entry = this.table.get(vector) ?? (open ? NO_HANDLER : undefined);
    const least = this.domain.host.cpu.state.cpl === 3 ? 3 : 1;
    if (entry === undefined || (!open && entry.dpl < least)) return false;
    this.enter({ handler: entry, masks: entry.masks, what: open ? formatException(vector) : `INT ${hex(vector)}` });
    return true;
  }

  /** Enters the guest's handler of events. */
  upcall(): void {
    if (this.event === undefined) return this.domain.crash('an event is due, and no event callback is registered');
    this.enter({ handler: this.event, masks: true, what: 'an event' });
  }

  /** HYPERVISOR_iret: what EAX is then. The frame is on the guest's stack: EAX, EIP, CS, EFLAGS, and for ring 2 or 3 ESP, SS. */
  returnFrom(): void {
    const { domain } = this;
    const { state } = domain.host.cpu;
    const esp = state.register32(REGISTER.esp);
    const word = (n: number): number => domain.guest.read32(esp + n * 4);
    let frame: { eax: number; saved: Saved };
    try {
      const [eax, eip, cs, eflags] = [word(0), word(1), word(2) & 0xffff, word(3)];
      if ((eflags & EFLAGS.VM) !== 0) throw new Unimplemented('Xen: HYPERVISOR_iret to virtual-8086 mode');
      if ((cs & 3) === 0) return domain.crash(`HYPERVISOR_iret would return to CS ${hex(cs, 4)}, at level 0`);
      const outer = (cs & 2) !== 0;
      const ss = outer ? word(5) & 0xffff : state.segment(SEGMENT.ss).selector;
      frame = { eax, saved: { cs, eip, eflags, ss, esp: outer ? word(4) : esp + 16 } };
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      return domain.crash(`HYPERVISOR_iret cannot read its frame: ${error.reason}`);
    }
    const { eax, saved } = frame;
    state.setRegister32(REGISTER.eax, eax);
    this.shared.masked = (saved.eflags & EFLAGS.IF) === 0;
    domain.host.cpu.calls.leave(esp + 4);
    try {
      this.restore(saved);
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      this.failed(saved, error);
    }
  }

  save(): DeviceState {
    return { table: [...this.table], stack: this.stack, event: this.event ?? null, failsafe: this.failsafe ?? null };
  }
  load(state: DeviceState): void {
    const { table, stack, event, failsafe } = state as {
      table: [number, TrapEntry][];
      stack: { ss: number; esp: number };
      event: Handler | null;
      failsafe: (Handler & { masks: boolean }) | null;
    };
    this.table = new Map(table);
    this.stack = { ...stack };
    this.event = event ?? undefined;
    this.failsafe = failsafe ?? undefined;
  }

  /** Loads a saved state, at ring 1 or outside of it. Raises what IRET raises. */
  private restore({ cs, eip, eflags, ss, esp }: Saved): void {
    const { cpu } = this.domain.host;
    const { state } = cpu;
    const level = cs & 3;
    const entry = readTarget(cpu, cs, RETURN_CS);
    requireCode(entry, RETURN_CS);
    requirePresent(entry, RETURN_CS);
    if (level !== state.cpl) {
      const stack = checkStackSegment(cpu, ss, level, RETURN_SS);
      markAccessed(cpu, stack);
      state.setSegment(SEGMENT.ss, cacheOf(stack));
      for (const register of DATA_REGISTERS) {
        const { access } = state.segment(register);
        if (access !== 0 && ((access >>> 13) & 3) < level) state.setSegment(register, nullSegment(0));
      }
    }
    state.setRegister32(REGISTER.esp, esp);
    state.eflags = (eflags & ~(EFLAGS.IOPL | EFLAGS.VM)) | EFLAGS.IF;
    enterCode(cpu, { entry, offset: eip, cpl: level });
  }

  /** A return that the CPU refused goes to the failsafe callback. */
  private failed(saved: Saved, fault: CpuFault): void {
    const { failsafe } = this;
    if (failsafe === undefined)
      return this.domain.crash(`HYPERVISOR_iret failed (${fault.reason}), and no failsafe callback is registered`);
    this.bounce(saved, {
      handler: failsafe,
      masks: failsafe.masks,
      failsafe: true,
      what: `HYPERVISOR_iret (${fault.reason})`,
    });
    for (const register of DATA_REGISTERS) this.domain.host.cpu.state.setSegment(register, nullSegment(0));
  }

  private enter(bounce: Bounce): void {
    const { state } = this.domain.host.cpu;
    const saved = {
      cs: state.segment(SEGMENT.cs).selector,
      eip: state.ip,
      eflags: state.eflags,
      ss: state.segment(SEGMENT.ss).selector,
      esp: state.register32(REGISTER.esp),
    };
    this.bounce(saved, bounce);
  }

  /** create_bounce_frame: the frame goes onto the guest's stack, and control to the handler. */
  private bounce(saved: Saved, bounce: Bounce): void {
    if ((saved.eflags & EFLAGS.VM) !== 0) throw new Unimplemented('Xen: a trap in virtual-8086 mode');
    const { domain } = this;
    const { handler, what } = bounce;
    const refuse = (why: string): void => {
      domain.crash(`${what} at ${hex(saved.eip, 8)}, and ${why}`);
    };
    try {
      const { words, stack, pointer, returnAt } = this.frameFor(saved, bounce);
      const first = (stack.descriptor.base + pointer) >>> 0;
      if (first + words.length * 4 > this.hole)
        return refuse(
          `the frame for its handler would be written to linear ${hex(first, 8)}, into Xen's part of the address space`,
        );
      for (const [n, word] of words.entries()) domain.host.cpu.memory.write(first + n * 4, 32, word, true);
      if (bounce.masks) this.shared.masked = true;
      domain.host.cpu.calls.enterFar(saved.eip, returnAt, 'interrupt');
      this.enterKernel(stack, pointer, saved.eflags);
      if (!isNullSelector(handler.cs)) return this.enterHandler(handler);
      refuse(
        this.any ? 'the trap table has no handler for it' : 'there is no trap table yet (HYPERVISOR_set_trap_table)',
      );
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      refuse(`the handler at ${hex(handler.cs, 4)}:${hex(handler.eip, 8)} cannot be entered: ${error.reason}`);
    }
  }

  /** The words of a frame, the lowest first, and where they go. */
  private frameFor(
    saved: Saved,
    { errorCode, failsafe = false }: Bounce,
  ): { readonly words: number[]; readonly stack: TableEntry; readonly pointer: number; readonly returnAt: number } {
    const { cpu } = this.domain.host;
    const outer = (saved.cs & 2) !== 0;
    const { ss, esp } = outer ? this.stack : saved;
    const mask = this.shared.maskByte;
    const top = [
      ...(failsafe ? DATA_REGISTERS_IN_FRAME.map((register) => cpu.state.segment(register).selector) : []),
      ...(errorCode === undefined ? [] : [errorCode]),
    ];
    const words = [
      ...top,
      saved.eip,
      (saved.cs | (mask << 16)) >>> 0,
      ((saved.eflags & ~EFLAGS.IF) | (mask === 0 ? EFLAGS.IF : 0)) >>> 0,
      ...(outer ? [saved.esp, saved.ss] : []),
    ];
    const pointer = (esp - words.length * 4) >>> 0;
    const stack = readTarget(cpu, ss, { ...USE, name: 'kernel SS' });
    return { words, stack, pointer, returnAt: pointer + top.length * 4 };
  }

  private enterKernel(stack: TableEntry, pointer: number, eflags: number): void {
    const { cpu } = this.domain.host;
    cpu.state.systemFlags = (eflags & ~CLEARED) | EFLAGS.IF;
    cpu.state.interruptShadow = false;
    markAccessed(cpu, stack);
    cpu.state.setSegment(SEGMENT.ss, cacheOf(stack));
    cpu.state.setRegister32(REGISTER.esp, pointer);
  }

  private enterHandler({ cs, eip }: Handler): void {
    const { cpu } = this.domain.host;
    const entry = readTarget(cpu, cs, USE);
    requireCode(entry, USE);
    requirePresent(entry, USE);
    enterCode(cpu, { entry, offset: eip, cpl: cs & 3 });
  }
}

const DATA_REGISTERS_IN_FRAME = [SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs] as const;

/** Selectors of the guest never name level 0 (fixup_guest_code_selector). */
function guestSelector(selector: number): number {
  return (selector & 3) === 0 && !isNullSelector(selector) ? selector | 1 : selector;
}
