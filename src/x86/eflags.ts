import { fieldValue, setFieldNames, type BitField } from './bit-field.ts';

/** EFLAGS masks (SDM 1, 3.4.3). */
export const EFLAGS = {
  CF: 1 << 0,
  /** Bit 1 always reads as 1. */
  fixed: 1 << 1,
  PF: 1 << 2,
  AF: 1 << 4,
  ZF: 1 << 6,
  SF: 1 << 7,
  TF: 1 << 8,
  IF: 1 << 9,
  DF: 1 << 10,
  OF: 1 << 11,
  IOPL: 3 << 12,
  NT: 1 << 14,
  RF: 1 << 16,
  VM: 1 << 17,
  AC: 1 << 18,
  VIF: 1 << 19,
  VIP: 1 << 20,
  ID: 1 << 21,
} as const;

export const IOPL_SHIFT = 12;

/** Every field of EFLAGS from high to low. */
export const EFLAGS_FIELDS: readonly BitField[] = [
  { name: 'ID', bit: 21, width: 1, meaning: 'CPUID exists if this bit can be changed' },
  { name: 'VIP', bit: 20, width: 1, meaning: ['no virtual interrupt pending', 'virtual interrupt pending'] },
  { name: 'VIF', bit: 19, width: 1, meaning: 'virtual interrupt flag' },
  { name: 'AC', bit: 18, width: 1, meaning: ['alignment not checked', 'alignment checked at CPL 3 if CR0.AM'] },
  { name: 'VM', bit: 17, width: 1, meaning: ['not virtual-8086', 'virtual-8086 mode'] },
  { name: 'RF', bit: 16, width: 1, meaning: 'resume past an instruction breakpoint' },
  { name: 'NT', bit: 14, width: 1, meaning: ['IRET stays in this task', 'IRET returns to the task before'] },
  { name: 'IOPL', bit: 12, width: 2, meaning: '' },
  { name: 'OF', bit: 11, width: 1, meaning: 'overflow' },
  { name: 'DF', bit: 10, width: 1, meaning: ['strings go up', 'strings go down'] },
  { name: 'IF', bit: 9, width: 1, meaning: ['interrupts off', 'interrupts on'] },
  { name: 'TF', bit: 8, width: 1, meaning: ['no single step', 'single step'] },
  { name: 'SF', bit: 7, width: 1, meaning: 'sign' },
  { name: 'ZF', bit: 6, width: 1, meaning: 'zero' },
  { name: 'AF', bit: 4, width: 1, meaning: 'auxiliary carry' },
  { name: 'PF', bit: 2, width: 1, meaning: 'parity' },
  { name: 'CF', bit: 0, width: 1, meaning: 'carry' },
];

const ALWAYS_SHOWN: ReadonlySet<string> = new Set(['IF', 'DF', 'IOPL']);
const SHOWN_WHEN_SET = EFLAGS_FIELDS.filter((field) => !ALWAYS_SHOWN.has(field.name));
const SHOWN_WITH_VALUE = ['IF', 'DF', 'IOPL'].flatMap((name) => EFLAGS_FIELDS.filter((field) => field.name === name));

/** The I/O privilege level, 0..3. */
export function ioPrivilegeLevel(eflags: number): number {
  return (eflags & EFLAGS.IOPL) >>> IOPL_SHIFT;
}

/** `ZF PF · IF=0 DF=0 IOPL=0`: the flags that are set, then the three that matter either way. */
export function describeEflags(value: number): string {
  const always = SHOWN_WITH_VALUE.map((field) => `${field.name}=${fieldValue(field, value)}`).join(' ');
  const set = setFieldNames(SHOWN_WHEN_SET, value);
  return set.length === 0 ? always : `${set.join(' ')} · ${always}`;
}
