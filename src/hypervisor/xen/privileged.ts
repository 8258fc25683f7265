import type { CpuFault } from '../../cpu/fault.ts';
import { SEGMENT } from '../../cpu/state.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { msrSlot } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import { hex } from '../../util/hex.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { Domain } from './domain.ts';
import type { PageTables } from './page-tables.ts';
import type { SharedPage } from './shared-page.ts';
import { XenError } from './xen-error.ts';

const LONGEST_INSTRUCTION = 15;
/** Segment overrides, operand and address size, LOCK, REPNE, REP. */
const PREFIXES: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
/** UD2, and "xen": what follows is emulated (XEN_EMULATE_PREFIX). */
const FORCED = [0x0f, 0x0b, 0x78, 0x65, 0x6e];
const CPUID = [0x0f, 0xa2];

/** What a guest at level 1 finds refused by the CPU and made up for by Xen (Xen 4.2, arch/x86/traps.c, emulate_privileged_op). */
export class PrivilegedInstructions {
  private readonly domain: Domain;
  private readonly shared: SharedPage;
  private readonly tables: PageTables;
  /** CR0.TS as the guest set it: the next x87 instruction is an exception for it. */
  private taskSwitched = false;
  /** CR4 as the guest has written it. */
  private cr4: number;
  /** I/O privilege level that the guest has asked for. */
  private ioPrivilege = 0;

  constructor(domain: Domain, shared: SharedPage, tables: PageTables) {
    this.domain = domain;
    this.shared = shared;
    this.tables = tables;
    this.cr4 = domain.host.cpu.state.control(4);
  }

  /** HYPERVISOR_fpu_taskswitch, CLTS and MOV to CR0. */
  setTaskSwitched(set: boolean): number {
    this.taskSwitched = set;
    const { state } = this.domain.host.cpu;
    state.setControl(0, set ? state.control(0) | CR0.TS : state.control(0) & ~CR0.TS);
    return 0;
  }

  /** PHYSDEVOP_set_iopl. */
  setIoPrivilege(level: number): number {
    if (level > 3) throw new XenError('EINVAL', `there is no I/O privilege level ${level}`);
    this.ioPrivilege = level;
    return 0;
  }

  /** #NM: Xen gives the FPU to whoever uses it; true when that was all. */
  useFpu(): boolean {
    const { state } = this.domain.host.cpu;
    state.setControl(0, state.control(0) & ~CR0.TS);
    if (!this.taskSwitched) return true;
    this.taskSwitched = false;
    return false;
  }

  /** #UD: UD2 with "xen" behind it forces the emulation of CPUID. True when it was that. */
  forcedEmulation(): boolean {
    const { state } = this.domain.host.cpu;
    const bytes = this.code(FORCED.length + CPUID.length);
    if (![...FORCED, ...CPUID].every((byte, n) => bytes[n] === byte)) return false;
    const leaf = state.register32(REGISTER.eax);
    const values = this.identify(leaf, state.register32(REGISTER.ecx));
    [REGISTER.eax, REGISTER.ebx, REGISTER.ecx, REGISTER.edx].forEach((register, n) =>
      state.setRegister32(register, values[n] ?? 0),
    );
    state.ip = (state.ip + bytes.length) >>> 0;
    return true;
  }

  /** CPUID as Xen answers it. */
  identify: (leaf: number, subleaf: number) => readonly number[] = () => [0, 0, 0, 0];

  /** #GP: true when Xen did what the instruction asks for. */
  emulate(fault: CpuFault): boolean {
    if (fault.errorCode !== 0) return false;
    const { state } = this.domain.host.cpu;
    const bytes = this.code(LONGEST_INSTRUCTION);
    let at = 0;
    while (PREFIXES.has(bytes[at] ?? 0)) at++;
    const opcode = bytes[at++] ?? 0;
    const kernel = state.cpl < 3;
    const wide = !bytes.slice(0, at).includes(0x66);
    const done = (length: number): true => {
      state.ip = (state.ip + length) >>> 0;
      return true;
    };
    switch (opcode) {
      case 0xfa: // CLI and STI do nothing: the mask of events is what counts.
      case 0xfb:
        return this.ioPrivilege >= (kernel ? 1 : 3) && done(at);
      case 0xe4:
      case 0xe5:
      case 0xec:
      case 0xed: {
        if (!this.mayUsePorts(kernel)) return false;
        const port = opcode < 0xe8 ? (bytes[at++] ?? 0) : state.register32(REGISTER.edx) & 0xffff;
        this.domain.host.reportGap(
          `Xen: an unprivileged domain has no I/O ports: read of port ${hex(port)} gives ones`,
        );
        const byte = (opcode & 1) === 0;
        const mask = byte ? 0xff : wide ? 0xffffffff : 0xffff;
        state.setRegister32(REGISTER.eax, (state.register32(REGISTER.eax) | mask) >>> 0);
        return done(at);
      }
      case 0xe6:
      case 0xe7:
      case 0xee:
      case 0xef: {
        if (!this.mayUsePorts(kernel)) return false;
        const port = opcode < 0xe8 ? (bytes[at++] ?? 0) : state.register32(REGISTER.edx) & 0xffff;
        this.domain.host.reportGap(
          `Xen: an unprivileged domain has no I/O ports: write to port ${hex(port)} has no effect`,
        );
        return done(at);
      }
      case 0x0f:
        return kernel && this.emulateTwoByte(bytes, at, done);
      default:
        return false;
    }
  }

  save(): DeviceState {
    const { taskSwitched, cr4, ioPrivilege } = this;
    return { taskSwitched, cr4, ioPrivilege };
  }
  restore(state: DeviceState): void {
    const { taskSwitched, cr4, ioPrivilege } = state as { taskSwitched: boolean; cr4: number; ioPrivilege: number };
    this.taskSwitched = taskSwitched;
    this.cr4 = cr4;
    this.ioPrivilege = ioPrivilege;
  }

  private emulateTwoByte(bytes: readonly number[], at: number, done: (length: number) => true): boolean {
    const { cpu } = this.domain.host;
    const { state } = cpu;
    const opcode = bytes[at] ?? 0;
    const modrm = bytes[at + 1] ?? 0;
    const [control, register] = [(modrm >>> 3) & 7, modrm & 7];
    switch (opcode) {
      case 0x06:
        this.setTaskSwitched(false);
        return done(at + 1);
      case 0x09: // WBINVD
        return done(at + 1);
      case 0x20: {
        const value = modrm >= 0xc0 ? this.readControl(control) : undefined;
        if (value === undefined) return false;
        state.setRegister32(register, value);
        return done(at + 2);
      }
      case 0x22:
        return modrm >= 0xc0 && this.writeControl(control, state.register32(register)) && done(at + 2);
      case 0x21:
        if (modrm < 0xc0 || control === 4 || control === 5) return false;
        state.setRegister32(register, state.debugRegister(control));
        return done(at + 2);
      case 0x23:
        return modrm >= 0xc0 && this.writeDebug(control, state.register32(register)) && done(at + 2);
      case 0x30: {
        const index = state.register32(REGISTER.ecx);
        this.domain.host.reportGap(`Xen: WRMSR of ${hex(index)} by the domain has no effect`);
        return done(at + 1);
      }
      case 0x32: {
        const index = state.register32(REGISTER.ecx);
        if (msrSlot(index) === undefined) return false;
        const value = state.modelSpecific(index);
        state.setRegister32(REGISTER.eax, Number(value & 0xffffffffn));
        state.setRegister32(REGISTER.edx, Number((value >> 32n) & 0xffffffffn));
        return done(at + 1);
      }
      default:
        return false;
    }
  }

  private readControl(index: number): number | undefined {
    const { state } = this.domain.host.cpu;
    switch (index) {
      case 0:
        return ((state.control(0) & ~CR0.TS) | (this.taskSwitched ? CR0.TS : 0)) >>> 0;
      case 2:
        return this.shared.cr2;
      case 3:
        return state.control(3);
      case 4:
        return this.cr4;
      default:
        return undefined;
    }
  }

  private writeControl(index: number, value: number): boolean {
    const { state } = this.domain.host.cpu;
    switch (index) {
      case 0:
        if (((value ^ state.control(0)) & ~CR0.TS) !== 0) {
          const reason = `${hex(value, 8)} to ${hex(state.control(0), 8)}: a domain may change CR0.TS alone`;
          this.domain.host.reportGap(`Xen refuses MOV to CR0 of ${reason}`);
          return false;
        }
        this.setTaskSwitched((value & CR0.TS) !== 0);
        return true;
      case 2:
        this.shared.cr2 = value;
        return true;
      case 3:
        return this.loadTables(value);
      case 4:
        // The bits that Xen needs stay as they are, whatever is written.
        this.cr4 = value;
        return true;
      default:
        return false;
    }
  }

  private loadTables(value: number): boolean {
    try {
      this.tables.load(value >>> 12);
      return true;
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      this.domain.host.reportGap(`Xen refuses MOV to CR3 of ${hex(value, 8)}: ${error.reason}`);
      return false;
    }
  }

  /** True when it was done; breakpoints on Xen's own addresses are refused. */
  writeDebug(index: number, value: number): boolean {
    const { cpu } = this.domain.host;
    if (index === 4 || index === 5) return false;
    if (index < 4 && value >= this.tables.layout.hole) return false;
    cpu.state.setDebugRegister(
      index,
      index === 6 ? (value & 0xe00f) | 0xffff0ff0 : index === 7 ? (value & ~0xd000) | 0x400 : value,
    );
    cpu.debugRegistersChanged();
    return true;
  }

  private mayUsePorts(kernel: boolean): boolean {
    return this.ioPrivilege >= (kernel ? 1 : 3);
  }

  /** Bytes from the instruction on, as far as they can be fetched. */
  private code(length: number): number[] {
    const { cpu } = this.domain.host;
    const { state, memory } = cpu;
    const bytes: number[] = [];
    for (let n = 0; n < length; n++) {
      const linear = (state.segmentBase(SEGMENT.cs) + state.ip + n) >>> 0;
      try {
        bytes.push(memory.readPhysical(memory.fetchAddress(linear), 8));
      } catch {
        break;
      }
    }
    return bytes;
  }
}
