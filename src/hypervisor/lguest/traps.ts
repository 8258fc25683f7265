import { LGUEST_KERNEL_CS, LGUEST_PRIVILEGE, LGUEST_TRAP_ENTRY } from '../../abi/lguest.ts';
import { CpuFault } from '../../cpu/fault.ts';
import type { ExceptionOutcome } from '../../cpu/intercepts.ts';
import { SEGMENT } from '../../cpu/state.ts';
import { hex } from '../../util/hex.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { SELECTOR_ERROR } from '../../x86/error-codes.ts';
import { exceptionFact, VECTOR } from '../../x86/exceptions.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { AddressSpace } from './address-space.ts';
import type { LguestGuest } from './guest.ts';
import { emulatePortInstruction } from './port-instructions.ts';
import type { LguestGate, Switcher } from './switcher.ts';

/** Vectors that a guest never handles: NMI, double fault, spurious interrupt, hypercall (load_guest_idt_entry). */
const NEVER_HANDLED: ReadonlySet<number> = new Set([VECTOR.NMI, VECTOR.DF, 15, LGUEST_TRAP_ENTRY]);
/** The host sees these first: page faults, #GP for IN and OUT, #NM for TS, #UD for VMCALL (direct_trap). */
const HOST_FIRST: ReadonlySet<number> = new Set([VECTOR.PF, VECTOR.GP, VECTOR.NM, VECTOR.UD, LGUEST_TRAP_ENTRY]);
const FIRST_EXTERNAL = 32;
/** SYSCALL_VECTOR of Linux for i386. */
export const SYSTEM_CALL = 0x80;
const GATE_PRESENT = 0x8000;
const INTERRUPT_GATE = 0xe;
const TRAP_GATE = 0xf;
/** What the host keeps of a gate's upper word: offset, presence, DPL, type. */
const GATE_BITS = 0xffffef00;
/** A trap gate clears these as the CPU enters it (SDM 3, 6.12.1.3). */
const CLEARED = EFLAGS.TF | EFLAGS.NT | EFLAGS.RF | EFLAGS.VM;

/** Traps of a guest: which the host answers, and how the others reach the guest's handlers (interrupts_and_traps.c, x86/core.c). */
export class Traps {
  private readonly guest: LguestGuest;
  private readonly space: AddressSpace;
  private readonly switcher: Switcher;

  constructor(guest: LguestGuest, space: AddressSpace, switcher: Switcher) {
    this.guest = guest;
    this.space = space;
    this.switcher = switcher;
  }

  /** LHCALL_LOAD_IDT_ENTRY. */
  setGate(vector: number, low: number, high: number): void {
    if (NEVER_HANDLED.has(vector)) return;
    if (vector > 255) return this.guest.kill(`Setting idt entry ${vector}`);
    if ((high & GATE_PRESENT) === 0) return this.switcher.setGate(vector, { low: 0, high: 0 });
    const type = gateType({ low, high });
    if (type !== INTERRUPT_GATE && type !== TRAP_GATE) return this.guest.kill(`bad IDT type ${type}`);
    this.switcher.setGate(vector, { low: (LGUEST_KERNEL_CS << 16) | (low & 0xffff), high: high & GATE_BITS });
  }

  /** True once the guest has a handler for page faults or general protection. */
  get catchesFaults(): boolean {
    return [VECTOR.PF, VECTOR.GP].some((vector) => isPresent(this.switcher.gate(vector)));
  }

  hasHandler(vector: number): boolean {
    return isPresent(this.switcher.gate(vector));
  }

  /** lguest_arch_handle_trap. */
  exception(fault: CpuFault): ExceptionOutcome {
    const { guest, space } = this;
    const { state } = guest.host.cpu;
    const { vector, errorCode } = fault;
    if (vector === VECTOR.GP && errorCode === 0 && emulatePortInstruction(guest, space)) return 'emulated';
    const address = fault.operands['address'] ?? state.control(2);
    if (vector === VECTOR.PF) {
      if (space.demand(address, errorCode ?? 0)) return 'emulated';
      guest.setField(guest.interface.data.cr2, address);
    }
    if (guest.death !== undefined) return 'emulated';
    const gate = this.switcher.gate(vector);
    if (!isPresent(gate)) {
      const code = vector === VECTOR.PF ? address : (errorCode ?? 0);
      guest.kill(`unhandled trap ${vector} at ${hex(state.ip)} (${hex(code)}): ${fault.reason}`);
      return 'emulated';
    }
    const resume = exceptionFact(vector)?.kind === 'fault' ? EFLAGS.RF : 0;
    this.enter(gate, { errorCode, resume, direct: isDirect(vector) && gateType(gate) === TRAP_GATE });
    return 'delivered';
  }

  /** INT n other than the hypercall. Raises #GP where the gate is not for the guest's level. */
  softwareInterrupt(vector: number): boolean {
    const { cpl } = this.guest.host.cpu.state;
    const gate = this.switcher.gate(vector);
    // Without a handler of the guest, and for the vectors that the host keeps, the gate is the host's own.
    const own = canBeCalled(vector) && isPresent(gate);
    const level = own ? (gate.high >>> 13) & 3 : 0;
    if (level < cpl)
      throw new CpuFault(
        VECTOR.GP,
        (vector * 8) | SELECTOR_ERROR.idt,
        `INT ${hex(vector, 2)}: the gate's DPL is ${level}, more privileged than CPL ${cpl}`,
        { vector, dpl: level, cpl },
      );
    this.enter(gate, { resume: 0, direct: isDirect(vector) && gateType(gate) === TRAP_GATE });
    return true;
  }

  /** Enters the guest's handler of a virtual interrupt. */
  interrupt(vector: number): void {
    this.enter(this.switcher.gate(vector), { resume: 0, direct: false });
  }

  /** set_guest_interrupt; `direct` for what the CPU does by itself at a trap gate, without the host. */
  private enter(
    gate: LguestGate,
    how: { readonly errorCode?: number; readonly resume: number; readonly direct: boolean },
  ): void {
    const { guest, switcher } = this;
    const { cpu } = guest.host;
    const { state } = cpu;
    const outer = state.segment(SEGMENT.ss).selector;
    const old = { cs: state.segment(SEGMENT.cs).selector, esp: state.register32(REGISTER.esp), flags: state.eflags };
    const inner = (outer & 3) !== LGUEST_PRIVILEGE;
    const stack = inner ? switcher.stack : { ss: outer, esp: old.esp };
    const code = switcher.segment(LGUEST_KERNEL_CS);
    const data = inner ? switcher.segment(stack.ss & 0xffff) : state.segment(SEGMENT.ss);
    if (code === undefined || data === undefined || data.access === 0) return guest.kill('unhandled trap 256');
    const { irq_enabled } = guest.interface.data;
    const masked = !how.direct && guest.data !== undefined && (guest.field(irq_enabled) & EFLAGS.IF) === 0;
    const flags = (masked ? old.flags & ~EFLAGS.IF : old.flags) | how.resume;
    const frame = [...(inner ? [outer, old.esp] : []), flags, old.cs, state.ip];
    if (how.errorCode !== undefined) frame.push(how.errorCode);
    const esp = this.push(stack.esp, frame);
    if (esp === undefined) return;
    cpu.calls.enterFar(state.ip, esp + (how.errorCode === undefined ? 0 : 4), 'interrupt');
    state.setSegment(SEGMENT.ss, data);
    state.setRegister32(REGISTER.esp, esp);
    state.setSegment(SEGMENT.cs, code);
    state.cpl = LGUEST_PRIVILEGE;
    state.ip = ((gate.low & 0xffff) | (gate.high & 0xffff0000)) >>> 0;
    if (how.direct) state.systemFlags &= ~CLEARED;
    else if (gateType(gate) === INTERRUPT_GATE) guest.setField(irq_enabled, 0);
    cpu.codeContextChanged();
    if (inner) cpu.flushTranslations();
  }

  /** Pushes words on the guest's stack; the new stack pointer, or undefined when that killed the guest. */
  private push(esp: number, words: readonly number[]): number | undefined {
    const { guest, space } = this;
    // The host translates the stack pointer once: a frame does not cross into another page mapping there.
    const top = space.physical((esp - 1) >>> 0);
    if (top === undefined) return undefined;
    words.forEach((word, index) => guest.write32((top + 1 - (index + 1) * 4) >>> 0, word));
    return guest.death === undefined ? (esp - words.length * 4) >>> 0 : undefined;
  }
}

function gateType({ high }: LguestGate): number {
  return (high >>> 8) & 0xf;
}
function isPresent({ high }: LguestGate): boolean {
  return (high & GATE_PRESENT) !== 0;
}
/** could_be_syscall, or one of the first 32. */
function canBeCalled(vector: number): boolean {
  return (vector < FIRST_EXTERNAL || vector === SYSTEM_CALL) && !HOST_FIRST.has(vector);
}
function isDirect(vector: number): boolean {
  return canBeCalled(vector);
}
