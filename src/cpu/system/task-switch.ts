import { hex } from '../../util/hex.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { DR6, DR7 } from '../../x86/debug-registers.ts';
import { kindName } from '../../x86/descriptor-text.ts';
import { SYSTEM_TYPE } from '../../x86/descriptor.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { REGISTER } from '../../x86/registers.ts';
import { decodeSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault, NewTaskFault } from '../fault.ts';
import { SEGMENT } from '../state.ts';
import { requirePresent } from './code-segment.ts';
import { setPageDirectory } from './control-register-access.ts';
import { cacheOf, readDescriptor, selectorFault, type SelectorUse, type TableEntry } from './descriptor-table.ts';
import { inVirtual8086Mode, setPrivilegeLevel } from './operation.ts';
import { nullSegment } from './segment-load.ts';
import { segment8086 } from './segments-8086.ts';
import { currentStack, planPushes, writePushes } from './stack.ts';
import { probeTask, readTask, saveTask, TASK_16, TASK_32, type TaskImage, type TaskLayout } from './task-image.ts';
import { loadTaskSegments } from './task-segments.ts';
import { taskStateIs32Bit } from './task-state.ts';

/** How one task gives way to another. */
export interface TaskSwitch {
  /** `nest` is CALL, an interrupt or an exception: the new task returns to this one. `return` is IRET. */
  readonly kind: 'jump' | 'nest' | 'return';
  /** Where the old task goes on. */
  readonly returnIp: number;
  /** EXT bit of the error codes. */
  readonly external: number;
  /** The old task goes on with RF set: it was left by a fault. */
  readonly resume?: boolean;
  /** Pushed on the stack of the new task. */
  readonly errorCode?: number | undefined;
}

/** The two bytes of a descriptor's type that tell a busy TSS. */
const BUSY = 2;
/** DR7.LE, which a task switch clears with L0-L3 (SDM 3, 17.2.4). */
const LOCAL_EXACT = 1 << 8;
const CODE_AND_DATA = [SEGMENT.es, SEGMENT.cs, SEGMENT.ss, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs] as const;

/**
 * The TSS that a selector names, with the checks of SDM 3, table 7-1 (1 to 5): `use.vector` (#GP, or #TS for IRET) for a selector
 * of the LDT or past the GDT, and for a TSS that is busy, or not busy when IRET goes back to it; then #NP, and #TS for its limit.
 */
export function readTaskEntry(cpu: CpuContext, selector: number, use: SelectorUse, busy: boolean): TableEntry {
  const refuse = (reason: string): CpuFault => selectorFault(use.vector, selector, use, reason);
  if (decodeSelector(selector).table === 'LDT') throw refuse(' is in the LDT; a TSS is in the GDT');
  const entry = readDescriptor(cpu, selector, use);
  const { descriptor } = entry;
  const wanted = busy ? 'tss-busy' : 'tss-available';
  if (descriptor.kind !== wanted)
    throw refuse(` is ${kindName(descriptor)}; ${busy ? 'a busy TSS' : 'an available TSS'} is needed`);
  requirePresent(entry, use);
  const { lowestLimit } = layoutOf(descriptor.type);
  if (descriptor.limit < lowestLimit) {
    const reason = ` has limit ${hex(descriptor.limit)}; its TSS needs ${hex(lowestLimit)}`;
    throw selectorFault(VECTOR.TS, selector, use, reason, { limit: descriptor.limit });
  }
  return entry;
}

/**
 * Switches to the task of a TSS that {@link readTaskEntry} found (SDM 3, 7.3). A fault until the state of the old task is saved
 * is raised in it, with nothing changed; a later one is a {@link NewTaskFault}.
 */
export function switchTask(cpu: CpuContext, entry: TableEntry, how: TaskSwitch): void {
  const { state, memory } = cpu;
  const old = state.segment(SEGMENT.tr);
  const oldLayout = taskStateIs32Bit(old) === true ? TASK_32 : TASK_16;
  const newLayout = layoutOf(entry.descriptor.type);
  const { base } = entry.descriptor;
  const oldBusy = (state.gdtr.base + (old.selector & 0xfff8) + 5) >>> 0;
  const newBusy = (entry.address + 5) >>> 0;
  const nests = how.kind === 'nest';
  if (old.limit < oldLayout.lowestLimit) {
    const reason = `the running task cannot be saved: TR ${hex(old.selector)} has limit ${hex(old.limit)}`;
    throw new CpuFault(VECTOR.TS, (old.selector & 0xfffc) | how.external, reason, { limit: old.limit });
  }
  const image = readTask(cpu, base, newLayout);
  probeTask(cpu, old.base, oldLayout);
  if (nests) memory.probeWrite(base, 2, true);
  else memory.probeWrite(oldBusy, 1, true);
  if (how.kind !== 'return') memory.probeWrite(newBusy, 1, true);

  const nested = how.kind === 'return' ? state.eflags & ~EFLAGS.NT : state.eflags;
  saveTask(cpu, old.base, oldLayout, how.returnIp, nested | (how.resume === true ? EFLAGS.RF : 0));
  if (nests) memory.write(base, 16, old.selector, true);
  else memory.write(oldBusy, 8, memory.read(oldBusy, 8, true) & ~BUSY, true);
  if (how.kind !== 'return') memory.write(newBusy, 8, memory.read(newBusy, 8, true) | BUSY, true);
  const task = cacheOf(entry);
  state.setSegment(SEGMENT.tr, { ...task, access: task.access | (BUSY << 8) });
  cpu.calls.clear();
  loadRegisters(cpu, image, nests);
  try {
    enterTask(cpu, image, newLayout, how);
  } catch (error) {
    throw error instanceof CpuFault ? new NewTaskFault(error, image.ip) : error;
  }
}

function layoutOf(type: number): TaskLayout {
  return type === SYSTEM_TYPE.tss32Available || type === SYSTEM_TYPE.tss32Busy ? TASK_32 : TASK_16;
}

/** The part of the new state that needs no checks. Segments get their selectors, and can be used when they are checked. */
function loadRegisters(cpu: CpuContext, image: TaskImage, nests: boolean): void {
  const { state } = cpu;
  state.setControl(0, state.control(0) | CR0.TS);
  state.setDebugRegister(7, state.debugRegister(7) & ~(DR7.local | LOCAL_EXACT));
  cpu.debugRegistersChanged();
  if (image.trap) state.debugPending |= DR6.BT;
  state.eflags = image.eflags | (nests ? EFLAGS.NT : 0);
  state.interruptShadow = false;
  image.registers.forEach((value, index) => state.setRegister32(index, value));
  state.ip = image.ip;
  for (const index of CODE_AND_DATA) state.setSegment(index, nullSegment(image.selectors[index]));
  state.setSegment(SEGMENT.ldtr, nullSegment(image.selectors[SEGMENT.ldtr]));
  setPrivilegeLevel(cpu, inVirtual8086Mode(cpu) ? 3 : image.selectors[SEGMENT.cs] & 3);
}

function enterTask(cpu: CpuContext, image: TaskImage, layout: TaskLayout, how: TaskSwitch): void {
  const { state } = cpu;
  if (image.pageDirectory !== undefined && (state.control(0) & CR0.PG) !== 0)
    setPageDirectory(cpu, image.pageDirectory);
  try {
    if (inVirtual8086Mode(cpu)) {
      for (const index of CODE_AND_DATA) state.setSegment(index, segment8086(cpu, index, image.selectors[index]));
    } else loadTaskSegments(cpu, image, how.external);
  } finally {
    cpu.codeContextChanged();
  }
  if (how.errorCode !== undefined) {
    const plan = planPushes(cpu, currentStack(cpu), 1, layout.width, state.cpl, how.external);
    writePushes(cpu, plan, [how.errorCode]);
    state.setRegister32(REGISTER.esp, plan.pointer);
  }
  const { limit } = state.segment(SEGMENT.cs);
  if (image.ip <= limit) return;
  const reason = `the new task starts at offset ${hex(image.ip)}, past the CS limit ${hex(limit)}`;
  throw new CpuFault(VECTOR.GP, how.external, reason, { offset: image.ip, limit });
}
