import { SEGMENT } from '../../../src/cpu/state.ts';
import { fxsaveOperations } from '../../../src/cpu/system/fxsave.ts';
import { Guest } from '../../support/cpu-harness.ts';
import { FX_SIZE, NO_FAULT, ORACLE, type SimdInput, type SimdOutput } from '../../support/simd-oracle.ts';
import { FX, WINDOW_IMAGE } from './random-simd.ts';

/** Physical pages behind the oracle's linear ones. */
const PAGE = { code: 0x40000, data: 0x41000, readOnly: 0x42000, image: 0x43000 } as const;
const CODE = PAGE.code + (ORACLE.start - ORACLE.code);
const DATA = PAGE.data + 0x1000 - ORACLE.window;
/** CR0.NE and CR0.AM, as Linux sets them. */
const NUMERIC_ERROR_AND_ALIGNMENT_MASK = 0x40020;
/** CR4 as a kernel with SSE sets it. */
const OSFXSR_AND_OSXMMEXCPT = 0x600;

/** The emulated CPU in the place of the host's: the same linear addresses, level, flags and segments. */
export class SimdGuest {
  readonly guest = new Guest('interpreter');

  constructor() {
    const { guest } = this;
    guest.enterLevel(3);
    guest.map(ORACLE.code, PAGE.code);
    guest.map(ORACLE.data, PAGE.data);
    guest.map(ORACLE.readOnly, PAGE.readOnly, 5);
    guest.enablePaging();
    guest.bytes(PAGE.readOnly, 0x1000).forEach((_, n, page) => (page[n] = n * 7 + 3));
    const { state } = guest.cpu;
    state.setControl(0, state.control(0) | NUMERIC_ERROR_AND_ALIGNMENT_MASK);
    state.setControl(4, OSFXSR_AND_OSXMMEXCPT);
    state.setSegment(SEGMENT.fs, { selector: 0x33, base: ORACLE.data, limit: 0xfff, access: 0x40f300 });
  }

  /** The image in the guest's RAM, as FXRSTOR and FXSAVE see it at CPL 0 without paging. */
  private throughImage(operation: 'Fxrstor_m512byte' | 'Fxsave_m512byte'): void {
    const { cpu } = this.guest;
    const memory = {
      read: (linear: number) => cpu.memory.readPhysical(linear, 32),
      write: (linear: number, _width: number, value: number) => cpu.memory.writePhysical(linear, 32, value),
      probeWrite: () => undefined,
      checkAlignment: () => undefined,
      readPhysical: (physical: number) => cpu.memory.readPhysical(physical, 32),
    };
    fxsaveOperations[operation]?.({ ...context(cpu), memory }, [8, 8, 0, SEGMENT.ds, PAGE.image]);
  }

  /** Runs `count` instructions; one, unless said. */
  run(input: SimdInput, count = 1): SimdOutput {
    const { cpu } = this.guest;
    const { state } = cpu;
    for (let n = 0; n < ORACLE.longest; n++) cpu.memory.writePhysical(CODE + n, 8, input.code[n] ?? 0xcc);
    this.guest.writeBytes(DATA, input.data);
    this.guest.writeBytes(PAGE.image, input.fx);
    this.throughImage('Fxrstor_m512byte');
    input.registers.forEach((value, index) => state.setRegister32(index, value));
    state.eflags = input.eflags;
    state.ip = ORACLE.start;
    const exit = this.guest.run(count);
    if (exit.kind === 'unimplemented') throw new Error(exit.what);
    const fault = exit.kind === 'triple-fault' ? exit.chain[0] : undefined;
    this.guest.bytes(PAGE.image, FX_SIZE).fill(0);
    this.throughImage('Fxsave_m512byte');
    return {
      registers: this.guest.registers,
      eflags: state.eflags,
      eip: state.ip,
      vector: fault?.vector ?? NO_FAULT,
      error: fault?.errorCode ?? 0,
      address: fault?.operands['address'] ?? 0,
      fx: this.guest.bytes(PAGE.image, FX_SIZE),
      data: this.guest.bytes(DATA, ORACLE.window),
    };
  }
}

const context = (cpu: Guest['cpu']): Parameters<NonNullable<(typeof fxsaveOperations)[string]>>[0] => ({
  state: cpu.state,
  memory: cpu.memory,
  bus: cpu.bus,
  calls: cpu.calls,
  flushTranslations: () => undefined,
  invalidatePage: () => undefined,
  debugRegistersChanged: () => undefined,
  codeContextChanged: () => undefined,
  halt: () => undefined,
  attention: () => undefined,
  instruction: cpu.instruction,
});

/** Both are off by 1.5 * 2^-12 of the exact number at most (SDM 2, RCPPS); near 2^-126 one may be 0. */
function closeTo(expected: number, found: number): boolean {
  const size = Math.abs(expected - found);
  return size <= 3 * 2 ** -12 * Math.abs(expected) || (size <= 2 ** -126 && expected * found === 0);
}

/** What differs after an instruction, by its name in iced-x86, in words; empty when nothing does. */
export function differences(name: string, native: SimdOutput, guest: SimdOutput): string[] {
  const list: string[] = [];
  const compare = (what: string, expected: number, found: number): void => {
    if (expected !== found) list.push(`${what} ${found.toString(16)}, the CPU has ${expected.toString(16)}`);
  };
  compare('vector', native.vector, guest.vector);
  compare('EIP', native.eip, guest.eip);
  compare('error code', native.vector === 13 || native.vector === 14 ? native.error : 0, guest.error);
  if (native.vector === 14) compare('CR2', native.address, guest.address);
  native.registers.forEach((value, n) => compare(`register ${n}`, value, guest.registers[n] ?? 0));
  compare('EFLAGS', native.eflags & 0xcd5, guest.eflags & 0xcd5);
  // The host goes to MMX state before the store faults.
  if (name.startsWith('Maskmovq') && native.vector !== NO_FAULT) return list;
  const fx = (image: Uint8Array): DataView => new DataView(image.buffer, image.byteOffset, image.length);
  const [expected, found] = [fx(native.fx), fx(guest.fx)];
  compare('FCW', expected.getUint16(FX.control, true), found.getUint16(FX.control, true));
  compare('FSW', expected.getUint16(FX.status, true), found.getUint16(FX.status, true));
  compare('FTW', expected.getUint8(FX.tag), found.getUint8(FX.tag));
  compare('MXCSR', expected.getUint32(FX.mxcsr, true), found.getUint32(FX.mxcsr, true));
  const approximates = /^R(cp|sqrt)[ps]s/.test(name);
  for (let n = 0; n < 8; n++) {
    for (let at = 0; at < 10; at += 2) {
      const place = FX.x87 + 16 * n + at;
      compare(`ST${n}+${at}`, expected.getUint16(place, true), found.getUint16(place, true));
    }
    for (let at = 0; at < 16; at += 4) {
      const place = FX.xmm + 16 * n + at;
      if (approximates && closeTo(expected.getFloat32(place, true), found.getFloat32(place, true))) continue;
      compare(`XMM${n}+${at}`, expected.getUint32(place, true), found.getUint32(place, true));
    }
  }
  // The host has a bit of MXCSR more.
  const mask = name.startsWith('Fxsave') ? WINDOW_IMAGE + FX.mxcsrMask + 2 : -1;
  native.data.forEach((value, n) => compare(`data+${n}`, n === mask ? 0 : value, guest.data[n] ?? 0));
  return list;
}
