import type { AccessWidth, CpuContext } from '../../../cpu/context.ts';
import { SEGMENT, type SegmentIndex } from '../../../cpu/state.ts';
import { hex } from '../../../util/hex.ts';
import { EFLAGS } from '../../../x86/eflags.ts';
import { REGISTER } from '../../../x86/registers.ts';
import type { Clock } from '../../clock.ts';
import type { Mmu } from '../../../cpu/mmu.ts';

/** What the BIOS needs of the machine that it runs on. */
export interface BiosHost {
  readonly cpu: CpuContext & { readonly memory: Mmu };
  readonly clock: Clock;
  /** Lets time pass up to a tick, or to the next event if that is earlier. */
  readonly pollUntil: (tick: number) => void;
  /** A function that this BIOS lacks: listed once by `key`. */
  readonly report: (what: string, key: string) => void;
  /** The guest asked for what ends the run: a whole clause, "at 9000:0123 …". */
  readonly end: (reason: 'shutdown' | 'unimplemented', what: string) => void;
}

/** FLAGS, CS and IP as INT has pushed them: offsets from SP in an interrupt's first instruction. */
const FRAME = { ip: 0, cs: 2, flags: 4 } as const;

/** One call of a BIOS service: the caller's registers, memory and ports, and the flags that IRET will give it. */
export class BiosCall {
  /** The interrupt that called; undefined for a jump into the ROM. */
  readonly vector: number | undefined;
  readonly host: BiosHost;
  /** The ROM's code is to ask again (CF on its return from the service), or to call the user's handler. */
  repeat = false;

  constructor(host: BiosHost, vector: number | undefined) {
    this.host = host;
    this.vector = vector;
  }

  get eax(): number {
    return this.dword(REGISTER.eax);
  }
  set eax(value: number) {
    this.host.cpu.state.setRegister32(REGISTER.eax, value);
  }
  get ebx(): number {
    return this.dword(REGISTER.ebx);
  }
  set ebx(value: number) {
    this.host.cpu.state.setRegister32(REGISTER.ebx, value);
  }
  get ecx(): number {
    return this.dword(REGISTER.ecx);
  }
  set ecx(value: number) {
    this.host.cpu.state.setRegister32(REGISTER.ecx, value);
  }
  get edx(): number {
    return this.dword(REGISTER.edx);
  }
  set edx(value: number) {
    this.host.cpu.state.setRegister32(REGISTER.edx, value);
  }
  get ax(): number {
    return this.eax & 0xffff;
  }
  set ax(value: number) {
    this.setWord(REGISTER.eax, value);
  }
  get bx(): number {
    return this.ebx & 0xffff;
  }
  set bx(value: number) {
    this.setWord(REGISTER.ebx, value);
  }
  get cx(): number {
    return this.ecx & 0xffff;
  }
  set cx(value: number) {
    this.setWord(REGISTER.ecx, value);
  }
  get dx(): number {
    return this.edx & 0xffff;
  }
  set dx(value: number) {
    this.setWord(REGISTER.edx, value);
  }
  get si(): number {
    return this.dword(REGISTER.esi) & 0xffff;
  }
  get di(): number {
    return this.dword(REGISTER.edi) & 0xffff;
  }
  set edi(value: number) {
    this.host.cpu.state.setRegister32(REGISTER.edi, value);
  }
  get bp(): number {
    return this.dword(REGISTER.ebp) & 0xffff;
  }
  set bp(value: number) {
    this.setWord(REGISTER.ebp, value);
  }
  get al(): number {
    return this.eax & 0xff;
  }
  set al(value: number) {
    this.ax = (this.ax & 0xff00) | (value & 0xff);
  }
  get ah(): number {
    return this.ax >> 8;
  }
  set ah(value: number) {
    this.ax = ((value & 0xff) << 8) | this.al;
  }
  get bl(): number {
    return this.ebx & 0xff;
  }
  set bl(value: number) {
    this.bx = (this.bx & 0xff00) | (value & 0xff);
  }
  get bh(): number {
    return this.bx >> 8;
  }
  set bh(value: number) {
    this.bx = ((value & 0xff) << 8) | this.bl;
  }
  get cl(): number {
    return this.ecx & 0xff;
  }
  set cl(value: number) {
    this.cx = (this.cx & 0xff00) | (value & 0xff);
  }
  get ch(): number {
    return this.cx >> 8;
  }
  set ch(value: number) {
    this.cx = ((value & 0xff) << 8) | this.cl;
  }
  get dl(): number {
    return this.edx & 0xff;
  }
  set dl(value: number) {
    this.dx = (this.dx & 0xff00) | (value & 0xff);
  }
  get dh(): number {
    return this.dx >> 8;
  }
  set dh(value: number) {
    this.dx = ((value & 0xff) << 8) | this.dl;
  }
  /** Loads ES as real mode does. */
  set es(selector: number) {
    const { state } = this.host.cpu;
    state.setSegment(SEGMENT.es, { ...state.segment(SEGMENT.es), selector, base: selector * 16 });
  }

  /** Linear address of an offset in a segment, which wraps at 64 KiB. */
  linear(segment: SegmentIndex, offset: number): number {
    return (this.host.cpu.state.segmentBase(segment) + (offset & 0xffff)) >>> 0;
  }
  /** Little-endian, zero-extended, at a linear address. */
  read(linear: number, width: AccessWidth): number {
    return this.host.cpu.memory.read(linear, width) >>> 0;
  }
  write(linear: number, width: AccessWidth, value: number): void {
    this.host.cpu.memory.write(linear, width, value);
  }
  input(port: number, width: AccessWidth = 8): number {
    return this.host.cpu.bus.portRead(port, width) >>> 0;
  }
  output(port: number, value: number, width: AccessWidth = 8): void {
    this.host.cpu.bus.portWrite(port, width, value);
  }

  /** Where the caller goes on: CS:IP as INT has pushed them. */
  get returnAddress(): string {
    const digits = (value: number): string => value.toString(16).padStart(4, '0');
    return `${digits(this.read(this.frame(FRAME.cs), 16))}:${digits(this.read(this.frame(FRAME.ip), 16))}`;
  }
  /** CF of the caller. */
  set carry(on: boolean) {
    this.setFlag(EFLAGS.CF, on);
  }
  /** ZF of the caller. */
  set zero(on: boolean) {
    this.setFlag(EFLAGS.ZF, on);
  }

  /** The function succeeded: CF 0. With a status, AH has it. */
  succeed(status?: number): void {
    if (status !== undefined) this.ah = status;
    this.carry = false;
  }
  /** The function failed: CF 1, AH the status. */
  fail(status: number): void {
    this.ah = status;
    this.carry = true;
  }
  /** Lists the function as one that this BIOS lacks; `what` says more than its number. What has one `key` is listed once. */
  lacks(what = 'this BIOS has no such function', key?: string): void {
    const { vector = 0, ax, bx, cx, dx } = this;
    const name = `BIOS INT ${hex(vector, 2)} AX=${hex(ax, 4)}`;
    const registers = `BX=${hex(bx, 4)} CX=${hex(cx, 4)} DX=${hex(dx, 4)}`;
    this.host.report(`${name} (${registers}) for ${this.returnAddress}: ${what}`, key ?? `${name}: ${what}`);
  }

  private frame(offset: number): number {
    return this.linear(SEGMENT.ss, this.dword(REGISTER.esp) + offset);
  }
  private setFlag(flag: number, on: boolean): void {
    const at = this.frame(FRAME.flags);
    const flags = this.read(at, 16);
    this.write(at, 16, on ? flags | flag : flags & ~flag);
  }
  private dword(index: number): number {
    return this.host.cpu.state.register32(index);
  }
  private setWord(index: number, value: number): void {
    this.host.cpu.state.setRegister16(index, value);
  }
}

/** One service of the BIOS. */
export type BiosService = (call: BiosCall) => void;
