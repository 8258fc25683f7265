import type { SegmentName } from '../boot/protocol.ts';
import type { Cpu } from '../cpu/cpu.ts';
import { ACCESS, SEGMENT } from '../cpu/state.ts';
import type { CpuState, TableRegister } from '../cpu/state.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { didYouMean } from '../util/nearest-name.ts';
import { CR0_FIELDS, CR4_FIELDS } from '../x86/control-registers.ts';
import { EFLAGS_FIELDS } from '../x86/eflags.ts';
import { MXCSR_FIELDS } from '../x86/mxcsr.ts';
import { GENERAL_REGISTERS } from '../x86/registers.ts';
import { loadControl, loadSegment } from './checked-load.ts';
import type { RegisterAccess } from './register-access.ts';
import type { RegisterValue } from './target.ts';
import { fieldByName } from './variables/bits.ts';
import { VECTOR_REGISTERS } from './vector-registers.ts';

/** Bits of EFLAGS that cannot be changed: bit 1 is always 1, and 3, 5, 15 and 22 up are always 0 (SDM 1, 3.4.3). */
const EFLAGS_FIXED = 0x2;
const EFLAGS_DEFINED = 0x003f7fd5;

const CONTROL_REGISTERS = [0, 2, 3, 4];
const SEGMENT_NAMES: readonly SegmentName[] = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'ldtr', 'tr'];
/** CS changes together with EIP, LDTR and TR by instructions of their own: those are left to the guest. */
const LOADABLE: ReadonlySet<SegmentName> = new Set(['es', 'ss', 'ds', 'fs', 'gs']);
const DEBUG_REGISTERS = [0, 1, 2, 3, 6, 7];

const REGISTERS: ReadonlyMap<string, RegisterAccess> = new Map<string, RegisterAccess>([
  ...GENERAL_REGISTERS[32].map((name, index): [string, RegisterAccess] => [name, part(index, 32, 0)]),
  ...GENERAL_REGISTERS[16].map((name, index): [string, RegisterAccess] => [name, part(index, 16, 0)]),
  ...GENERAL_REGISTERS[8].map((name, index): [string, RegisterAccess] => [name, part(index & 3, 8, index > 3 ? 8 : 0)]),
  [
    'eip',
    {
      bits: 32,
      read: (state) => state.ip,
      write: (cpu, value) => {
        cpu.state.ip = value;
        cpu.wake();
      },
    },
  ],
  [
    'eflags',
    {
      bits: 32,
      read: (state) => state.eflags,
      write: ({ state }, value) => (state.eflags = (value & EFLAGS_DEFINED) | EFLAGS_FIXED),
    },
  ],
  ...CONTROL_REGISTERS.map((index): [string, RegisterAccess] => [
    `cr${index}`,
    { bits: 32, read: (state) => state.control(index), write: (cpu, value) => loadControl(cpu, index, value) },
  ]),
  ...DEBUG_REGISTERS.map((index): [string, RegisterAccess] => [
    `dr${index}`,
    {
      bits: 32,
      read: (state) => state.debugRegister(index),
      write: ({ state }, value) => state.setDebugRegister(index, value),
    },
  ]),
  ...VECTOR_REGISTERS,
  ...SEGMENT_NAMES.flatMap(segmentRegisters),
  ...tableRegisters('gdtr', (state, table) => (table === undefined ? state.gdtr : (state.gdtr = table))),
  ...tableRegisters('idtr', (state, table) => (table === undefined ? state.idtr : (state.idtr = table))),
  // GDB's names of the x87 control, status and tag words.
  ['fctrl', { bits: 16, read: ({ x87 }) => x87.control, write: ({ state }, value) => (state.x87.control = value) }],
  ['fstat', { bits: 16, read: ({ x87 }) => x87.status }],
  ['ftag', { bits: 16, read: ({ x87 }) => x87.tagWord }],
  ['cpl', { bits: 2, read: (state) => state.cpl }],
  // Long mode is not part of this machine: EFER does not exist and reads as 0.
  ['efer', { bits: 32, read: () => 0 }],
]);

/** Names that expressions and the Variables view know, without the fields of EFLAGS, CR0, CR4 and MXCSR. */
export const REGISTER_NAMES: readonly string[] = [...REGISTERS.keys()];

const BIT_FIELDS = { eflags: EFLAGS_FIELDS, cr0: CR0_FIELDS, cr4: CR4_FIELDS, mxcsr: MXCSR_FIELDS };

/** A register, or a field of one: `eflags.zf`, `cs.base`. */
export function readRegister(state: CpuState, name: string): RegisterValue | undefined {
  const register = REGISTERS.get(name);
  if (register !== undefined) return { value: BigInt(register.read(state) >>> 0), bits: register.bits };
  const [whole = '', field = ''] = name.split('.');
  if (whole !== 'eflags' && whole !== 'cr0' && whole !== 'cr4' && whole !== 'mxcsr') return undefined;
  return fieldByName(BIT_FIELDS[whole], field, Number(readRegister(state, whole)?.value ?? 0n));
}

/** Throws when there is no such register, when it cannot be changed, or when the value does not fit. */
export function writeRegister(cpu: Cpu, name: string, value: bigint): void {
  const register = REGISTERS.get(name);
  if (register?.write === undefined)
    throw new StartOfDayError({
      code: 'register-write',
      blame: 'user',
      title: register === undefined ? `There is no register "${name}"` : `${name.toUpperCase()} cannot be changed here`,
      mend:
        register === undefined
          ? didYouMean(name, REGISTER_NAMES)
          : 'Let the guest load it: the CPU keeps more of it than its number.',
    });
  const unsigned = BigInt.asUintN(register.bits, value);
  if (unsigned !== value && BigInt.asIntN(register.bits, value) !== value)
    throw new StartOfDayError({
      code: 'value-range',
      blame: 'user',
      title: `${hex(value)} does not fit into ${name.toUpperCase()}`,
      detail: `It has ${register.bits} bits`,
    });
  register.write(cpu, Number(unsigned));
}

/** A general register or a part of it, `shift` bits up. */
function part(index: number, bits: 8 | 16 | 32, shift: number): RegisterAccess {
  const mask = bits === 32 ? 0xffffffff : (1 << bits) - 1;
  return {
    bits,
    read: (state) => (state.register32(index) >>> shift) & mask,
    write: ({ state }, value) => {
      const others = state.register32(index) & ~(mask << shift);
      state.setRegister32(index, (others | (value << shift)) >>> 0);
    },
  };
}

function segmentRegisters(name: SegmentName): [string, RegisterAccess][] {
  const index = SEGMENT[name];
  const selector: RegisterAccess = {
    bits: 16,
    read: (state) => state.segment(index).selector,
    ...(LOADABLE.has(name) ? { write: (cpu, value) => loadSegment(cpu, name, value) } : {}),
  };
  return [
    [name, selector],
    [`${name}.selector`, selector],
    [`${name}.base`, { bits: 32, read: (state) => state.segment(index).base }],
    [`${name}.limit`, { bits: 32, read: (state) => state.segment(index).limit }],
    [`${name}.dpl`, { bits: 2, read: (state) => (state.segment(index).access >>> ACCESS.dplShift) & 3 }],
  ];
}

function tableRegisters(
  name: string,
  access: (state: CpuState, table?: TableRegister) => TableRegister,
): [string, RegisterAccess][] {
  return [
    [
      `${name}.base`,
      {
        bits: 32,
        read: (state) => access(state).base,
        write: ({ state }, base) => access(state, { ...access(state), base }),
      },
    ],
    [
      `${name}.limit`,
      {
        bits: 16,
        read: (state) => access(state).limit,
        write: ({ state }, limit) => access(state, { ...access(state), limit }),
      },
    ],
  ];
}
