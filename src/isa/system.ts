import { describe, REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value, type Width } from './value.ts';

const ends = { endsBlock: true };
const segmentWidths = (): readonly Width[] => [16, 16];

/** The general register of an operand, as a number for a system operation. */
function registerNumber(i: Instruction<OperandSize>, operand: 0 | 1): Value<8> {
  return constant(8, i.binding.register(operand).index ?? 0);
}

/** LGDT and LIDT: a 16-bit limit, then a 32-bit base. */
const loadTable =
  (operation: string) =>
  (i: Instruction<OperandSize>): void => {
    requirePrivilege(i, operation.toUpperCase());
    const address = i.binding.address();
    const limit = i.load(i.binding.segment(), address, 16);
    const base = i.load(i.binding.segment(), address.add(2), 32);
    i.host(operation, limit, base);
  };

/** LLDT, LTR and LMSW: a word. */
function loadWord(i: Instruction<OperandSize>, operation: string): void {
  requirePrivilege(i, operation.toUpperCase());
  i.host(operation, i.operandAt(0, 16).read());
}

/** LAR and LSL. */
function queryRegister(i: Instruction<OperandSize>, operation: string): void {
  requireProtectedMode(i);
  i.host(operation, registerNumber(i, 0), constant(8, i.width), i.operandAt(1, 16).read());
}

/** VERR and VERW. */
function queryAccess(i: Instruction<OperandSize>, operation: string): void {
  requireProtectedMode(i);
  i.host(operation, i.operandAt(0, 16).read());
}

/** #UD where selectors name no descriptors: in real and virtual-8086 mode (SDM 3, 20.1.3 and 20.2.7). */
function requireProtectedMode(i: Instruction<OperandSize>): void {
  const real = i.state('cr0').and(1).eq(0);
  const virtual = i.eflags().and(0x20000).ne(0);
  i.raise(real.or(virtual), 6, undefined, 'the instruction needs protected mode', { cr0: i.state('cr0') });
}

/** Where the operand may fault, the privilege is checked before it. */
function requirePrivilege(i: Instruction<OperandSize>, name: string): void {
  const cpl = i.state('privilege');
  i.raise(cpl.ne(0), 13, constant(32, 0), `${name} needs CPL 0`, { cpl });
}

/** SGDT and SIDT. */
const storeTable =
  (table: 'gdtr' | 'idtr') =>
  (i: Instruction<OperandSize>): void => {
    const address = i.binding.address();
    i.store(i.binding.segment(), address, i.state(`${table}-limit`).truncate(16));
    i.store(i.binding.segment(), address.add(2), i.state(`${table}-base`));
  };

/** LDS, LES, LFS, LGS, LSS: offset, then selector. */
const loadFarPointer =
  (segment: number) =>
  (i: Instruction<OperandSize>): void => {
    const offset = i.load(i.binding.segment(), i.binding.address(), i.width);
    const selector = i.load(i.binding.segment(), i.binding.address().add(i.width / 8), 16);
    i.host('load-far-segment', constant(8, segment), selector);
    i.operandAt(0, i.width).write(offset);
  };

const setDirection =
  (set: boolean) =>
  (i: Instruction<OperandSize>): void =>
    i.setEflags(set ? i.eflags().or(0x400) : i.eflags().and(~0x400 >>> 0));

const setCarry =
  (value: (i: Instruction<OperandSize>) => Value<1>) =>
  (i: Instruction<OperandSize>): void =>
    i.changeStatusFlags(1, value(i).zeroExtend(32));

/**
 * Segment loads, control registers, descriptor tables, ports and the rest that a fast engine never runs by itself:
 * the checks and effects are in `src/cpu/system`.
 */
export const SYSTEM: readonly Description[] = [
  describe('MovFromSegment', (i) => storeWord(i, i.selector(i.binding.immediate(8) as Value<8>).zeroExtend(32))),
  describe('MovToSegment', (i) => i.host('load-segment', i.binding.immediate(8), i.operandAt(1, 16).read()), {
    ...ends,
    operandWidths: segmentWidths,
  }),
  describe('Les', loadFarPointer(0), ends),
  describe('Lss', loadFarPointer(2), ends),
  describe('Lds', loadFarPointer(3), ends),
  describe('Lfs', loadFarPointer(4), ends),
  describe('Lgs', loadFarPointer(5), ends),
  describe('MovToControl', (i) => i.host('write-control', i.binding.immediate(8), i.operandAt(1, 32).read()), ends),
  describe('MovFromControl', (i) => i.host('read-control', i.binding.immediate(8), registerNumber(i, 0)), ends),
  describe('MovToDebug', (i) => i.host('write-debug', i.binding.immediate(8), i.operandAt(1, 32).read()), ends),
  describe('MovFromDebug', (i) => i.host('read-debug', i.binding.immediate(8), registerNumber(i, 0)), ends),
  describe('Lgdt', loadTable('lgdt'), ends),
  describe('Lidt', loadTable('lidt'), ends),
  describe('Sgdt', storeTable('gdtr')),
  describe('Sidt', storeTable('idtr')),
  describe(
    'Lldt',
    (i) => {
      requireProtectedMode(i);
      loadWord(i, 'lldt');
    },
    { ...ends, operandWidths: segmentWidths },
  ),
  describe(
    'Ltr',
    (i) => {
      requireProtectedMode(i);
      loadWord(i, 'ltr');
    },
    { ...ends, operandWidths: segmentWidths },
  ),
  describe('Sldt', (i) => {
    requireProtectedMode(i);
    storeWord(i, i.selector(6).zeroExtend(32));
  }),
  describe('Str', (i) => {
    requireProtectedMode(i);
    storeWord(i, i.selector(7).zeroExtend(32));
  }),
  describe('Lmsw', (i) => loadWord(i, 'lmsw'), { ...ends, operandWidths: segmentWidths }),
  describe('Smsw', (i) => storeWord(i, i.state('cr0'))),
  describe('Clts', (i) => i.host('clts'), ends),
  describe('Invlpg', (i) => i.host('invlpg', i.segmentNumber(), i.binding.address()), ends),
  describe('Lar', (i) => queryRegister(i, 'lar'), {
    ...ends,
    operandWidths: (width) => [width, 16],
  }),
  describe('Lsl', (i) => queryRegister(i, 'lsl'), {
    ...ends,
    operandWidths: (width) => [width, 16],
  }),
  describe('Verr', (i) => queryAccess(i, 'verr'), { ...ends, operandWidths: segmentWidths }),
  describe('Verw', (i) => queryAccess(i, 'verw'), { ...ends, operandWidths: segmentWidths }),
  describe(
    'Arpl',
    (i) => {
      requireProtectedMode(i);
      const target = i.operandAt(0, 16);
      const [segment, address] = [i.binding.segment(), i.binding.address()];
      const a = target.isMemory ? i.load(segment, address, 16) : target.read();
      const level = i.operandAt(1, 16).read().and(3);
      const lower = a.and(3).ltu(level);
      const raised = a.and(0xfffc).or(level);
      i.changeStatusFlags(0x40, lower.zeroExtend(32).shl(6));
      // Only a level that changes is written: an operand in memory may be read-only otherwise.
      i.when(lower, () => (target.isMemory ? i.store(segment, address, raised) : target.write(raised)));
    },
    { operandWidths: segmentWidths },
  ),
  describe('In', (i) => i.host('port-in', port(i, 1), constant(8, i.width)), ends),
  describe('Out', (i) => i.host('port-out', port(i, 0), constant(8, i.width), i.register(REGISTER.ax, i.width)), ends),
  describe('Hlt', (i) => i.host('halt'), ends),
  describe('Cli', (i) => i.host('cli'), ends),
  describe('Sti', (i) => i.host('sti'), ends),
  describe('Cpuid', (i) => i.host('cpuid'), ends),
  describe('Rdtsc', (i) => i.host('rdtsc'), ends),
  describe('Rdmsr', (i) => i.host('rdmsr'), ends),
  describe('Wrmsr', (i) => i.host('wrmsr'), ends),
  describe('Rdpmc', (i) => i.host('rdpmc'), ends),
  describe('Wbinvd Invd', (i) => i.host('wbinvd'), ends),
  describe('INVALID', (i) => i.raise(constant(1, 1), 6, undefined, 'these bytes are no instruction'), ends),
  describe(
    'TooLong',
    (i) => i.raise(constant(1, 1), 13, constant(32, 0), 'the instruction is longer than 15 bytes'),
    ends,
  ),
  describe('Cld', setDirection(false)),
  describe('Std', setDirection(true)),
  describe(
    'Clc',
    setCarry(() => constant(1, 0)),
  ),
  describe(
    'Stc',
    setCarry(() => constant(1, 1)),
  ),
  describe(
    'Cmc',
    setCarry((i) => i.flag('c').logicalNot()),
  ),
];

/** MOV from a segment register, SLDT, STR and SMSW: 16 bits to memory, but a whole register. */
function storeWord(i: Instruction<OperandSize>, value: Value<32>): void {
  if (i.destination.isMemory) i.store(i.binding.segment(), i.binding.address(), value.truncate(16));
  else i.destination.write(value.resize(i.width));
}

/** The port of IN and OUT: an immediate byte, or DX. */
function port(i: Instruction<OperandSize>, operand: 0 | 1): Value<16> {
  return i.operands[operand]?.kind === 'i' ? i.binding.immediate(8).zeroExtend(16) : i.register(REGISTER.dx, 16);
}
