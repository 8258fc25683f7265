import { describe, REGISTER, SEGMENT_REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, select, type OperandSize, type Value } from './value.ts';

const INTERRUPT_FLAG = 0x200;
const IO_PRIVILEGE = 0x3000;
const VIRTUAL_8086 = 0x20000;
const VIRTUAL_INTERRUPT_FLAG = 0x80000;
const VIRTUAL_8086_EXTENSIONS = 1;
/** PUSHF stores RF and VM as 0. */
const PUSHF_MASK = 0x00fcffff;

const PUSH_ALL = [
  REGISTER.ax,
  REGISTER.cx,
  REGISTER.dx,
  REGISTER.bx,
  REGISTER.sp,
  REGISTER.bp,
  REGISTER.si,
  REGISTER.di,
] as const;

/**
 * PUSHF. In virtual-8086 mode below IOPL 3 it is refused, unless CR4.VME lets a 16-bit one push VIF in the place of IF, and
 * IOPL 3 (SDM 2, PUSHF; SDM 3, 20.3.1).
 */
function pushFlags(i: Instruction<OperandSize>): void {
  const eflags = i.eflags();
  const virtual = eflags.and(VIRTUAL_8086).ne(0).and(eflags.and(IO_PRIVILEGE).ne(IO_PRIVILEGE));
  if (i.width !== 16) {
    refuse(i, virtual);
    return i.push(eflags.and(PUSHF_MASK).truncate(i.width));
  }
  refuse(i, virtual.and(i.state('cr4').and(VIRTUAL_8086_EXTENSIONS).eq(0)));
  const interrupts = eflags.and(VIRTUAL_INTERRUPT_FLAG).ne(0).zeroExtend(32).shl(9);
  const image = eflags
    .and(~INTERRUPT_FLAG >>> 0)
    .or(interrupts)
    .or(IO_PRIVILEGE);
  i.push(select(virtual, image, eflags).truncate(i.width));
}

/** PUSHA. In real and virtual-8086 mode a stack pointer of 7, 9, 11, 13 or 15 is #GP, where the pushes would be #SS (SDM 2, PUSHA). */
function pushAll(i: Instruction<OperandSize>): void {
  const real = i.state('cr0').and(1).eq(0);
  const pointer = i.stackPointer().zeroExtend(32);
  const between = pointer.and(1).ne(0).and(constant(32, 6).ltu(pointer)).and(pointer.ltu(16));
  const refused = between.and(real.or(i.eflags().and(VIRTUAL_8086).ne(0)));
  i.raise(refused, 13, constant(32, 0), 'PUSHA with an odd stack pointer from 7 to 15', { pointer });
  i.pushAll(PUSH_ALL.map((index) => i.register(index, i.width)));
}

function refuse(i: Instruction<OperandSize>, when: Value<1>): void {
  i.raise(when, 13, constant(32, 0), 'PUSHF in virtual-8086 mode needs IOPL 3', { eflags: i.eflags() });
}

export const STACK: readonly Description[] = [
  describe('Push', (i) => {
    if (i.operands[0]?.kind === 's') return i.push(i.selector(i.binding.immediate(8) as Value<8>).resize(i.width));
    i.push(i.destination.read());
  }),
  describe('Pop', (i) => {
    if (i.operands[0]?.kind === 's') {
      i.host('load-segment', i.binding.immediate(8), i.pop(i.width).truncate(16));
      return;
    }
    const value = i.pop(i.width);
    if (!i.destination.isMemory) return i.destination.write(value);
    // POP [ESP + n] computes its address with the stack pointer already incremented (SDM 2, POP).
    const before = i.stackPointer();
    const moved = before
      .add(i.width / 8)
      .zeroExtend(32)
      .sub(before.zeroExtend(32));
    const address = i.binding.address();
    i.store(i.binding.segment(), i.binding.baseIsStackPointer ? address.add(moved) : address, value);
  }),
  describe('Pusha Pushad', pushAll),
  describe('Popa Popad', (i) => {
    const bytes = i.width / 8;
    [...PUSH_ALL].reverse().forEach((index, place) => {
      const value = i.peek(place * bytes, i.width);
      if (index !== REGISTER.sp) i.setRegister(index, value);
    });
    i.setRegister(REGISTER.sp, i.stackPointer().add(bytes * PUSH_ALL.length));
  }),
  describe('Pushf Pushfd', pushFlags),
  describe('Popf Popfd', (i) => i.host('pop-flags'), { endsBlock: true }),
  describe('Leave', (i) => {
    const frame = i.register(REGISTER.bp, i.binding.stackWidth);
    const saved = i.load(SEGMENT_REGISTER.ss, frame.zeroExtend(32), i.width);
    i.setRegister(REGISTER.sp, frame.add(i.width / 8));
    i.setRegister(REGISTER.bp, saved);
  }),
  describe('Enter', (i) => i.host('enter', i.binding.immediate(16), i.binding.immediate2(8).and(31))),
];
