import { hex } from '../../util/hex.ts';
import { setFieldNames } from '../../x86/bit-field.ts';
import { CR0, CR0_FIELDS, CR4, CR4_FIELDS, writableCr4 } from '../../x86/control-registers.ts';
import { ENTRY, entryText, reservedInPointer, type RawEntry } from '../../x86/page-entry.ts';
import type { CpuContext } from '../context.ts';
import { generalProtection, invalidOpcode, requirePrivilege, type SystemOperations } from './operation.ts';

const EXISTING: ReadonlySet<number> = new Set([0, 2, 3, 4]);
/** The bits CR0 has; the others stay 0 whatever is written (SDM 2, MOV to and from control registers). */
const CR0_WRITABLE = CR0_FIELDS.reduce((mask, field) => mask | (1 << field.bit), 0) >>> 0;
/** CR0 bits that decide what a linear address means. */
const TRANSLATION = CR0.PE | CR0.WP | CR0.PG;
/** Changes of these load the page-directory pointers again (SDM 3, 4.4.1). */
const POINTERS_CR0 = CR0.PG | CR0.CD | CR0.NW;
const POINTERS_CR4 = CR4.PAE | CR4.PGE | CR4.PSE;
/** CR0 bits that LMSW loads. */
const MACHINE_STATUS = CR0.PE | CR0.MP | CR0.EM | CR0.TS;

function writeControl(cpu: CpuContext, index: number, value: number): void {
  requireRegister(cpu, index);
  requirePrivilege(cpu, `MOV to CR${index}`);
  if (index === 0) writeCr0(cpu, value);
  else if (index === 4) writeCr4(cpu, value);
  else if (index === 3) setPageDirectory(cpu, value);
  else cpu.state.setControl(index, value);
}

/**
 * Gives CR3 a value, as MOV to CR3 and a task switch do: translations go, and with PAE the page-directory pointers are loaded.
 * Raises #GP(0) for reserved bits in these, with nothing changed.
 */
export function setPageDirectory(cpu: CpuContext, value: number): void {
  const { state } = cpu;
  const pointers = readDirectoryPointers(cpu, state.control(0), value, state.control(4));
  state.setControl(3, value);
  if (pointers !== undefined) state.directoryPointers = pointers;
  cpu.flushTranslations();
}

/** The four entries at `cr3` while PAE paging is on, checked as SDM 3, 4.4.1 says; undefined while it is off. */
function readDirectoryPointers(
  { memory, state }: CpuContext,
  cr0: number,
  cr3: number,
  cr4: number,
): RawEntry[] | undefined {
  if ((cr0 & CR0.PG) === 0 || (cr4 & CR4.PAE) === 0) return undefined;
  return [0, 1, 2, 3].map((index) => {
    const address = ((cr3 & 0xffffffe0) + index * 8) >>> 0;
    const entry = { value: memory.readPhysical(address, 32) >>> 0, high: memory.readPhysical(address + 4, 32) >>> 0 };
    const reserved = (entry.value & ENTRY.present) === 0 ? '' : reservedInPointer(entry, state.model);
    if (reserved === '') return entry;
    const reason = `PDPTE ${index} at phys:${hex(address, 8)} is ${entryText(entry, true)}: reserved ${reserved} set`;
    throw generalProtection(reason, { address, value: entry.value, high: entry.high });
  });
}

function writeCr0(cpu: CpuContext, written: number): void {
  if ((written & CR0.PG) !== 0 && (written & CR0.PE) === 0)
    throw generalProtection(`CR0 ${hex(written)} sets PG without PE`, { value: written });
  if ((written & CR0.NW) !== 0 && (written & CR0.CD) === 0)
    throw generalProtection(`CR0 ${hex(written)} sets NW without CD`, { value: written });
  const before = cpu.state.control(0);
  const after = ((written & CR0_WRITABLE) | CR0.ET) >>> 0;
  const { state } = cpu;
  const changed = before ^ after;
  const pointers =
    (changed & POINTERS_CR0) === 0 ? undefined : readDirectoryPointers(cpu, after, state.control(3), state.control(4));
  state.setControl(0, after);
  if (pointers !== undefined) state.directoryPointers = pointers;
  if ((changed & TRANSLATION) !== 0) cpu.flushTranslations();
}

function writeCr4(cpu: CpuContext, value: number): void {
  const reserved = (value & ~writableCr4(cpu.state.model)) >>> 0;
  if (reserved !== 0) {
    const names = setFieldNames(CR4_FIELDS, reserved);
    const named = names.length === 0 ? '' : ` (${names.join(' ')}), which cpu "${cpu.state.model.name}" does not have`;
    throw generalProtection(`CR4 ${hex(value)} sets reserved bits ${hex(reserved)}${named}`, { value, reserved });
  }
  const { state } = cpu;
  const changed = state.control(4) ^ value;
  const pointers =
    (changed & POINTERS_CR4) === 0 ? undefined : readDirectoryPointers(cpu, state.control(0), state.control(3), value);
  state.setControl(4, value);
  if (pointers !== undefined) state.directoryPointers = pointers;
  if ((changed & POINTERS_CR4) !== 0) cpu.flushTranslations();
  if ((changed & CR4.DE) !== 0) cpu.debugRegistersChanged();
}

function readControl(cpu: CpuContext, index: number, register: number): void {
  requireRegister(cpu, index);
  requirePrivilege(cpu, `MOV from CR${index}`);
  cpu.state.setRegister32(register, cpu.state.control(index));
}

/** LMSW sets PE but never clears it (SDM 2, LMSW). */
function loadMachineStatus(cpu: CpuContext, value: number): void {
  requirePrivilege(cpu, 'LMSW');
  const before = cpu.state.control(0);
  writeCr0(cpu, ((before & ~MACHINE_STATUS) | (value & MACHINE_STATUS) | (before & CR0.PE)) >>> 0);
}

function clearTaskSwitched(cpu: CpuContext): void {
  requirePrivilege(cpu, 'CLTS');
  cpu.state.setControl(0, cpu.state.control(0) & ~CR0.TS);
}

function invalidatePage(cpu: CpuContext, linear: number): void {
  requirePrivilege(cpu, 'INVLPG');
  cpu.invalidatePage(linear);
}

function requireRegister({ state }: CpuContext, index: number): void {
  if (!EXISTING.has(index)) throw invalidOpcode(`CR${index} does not exist`, { index });
  if (index === 4 && !state.model.features.has('CPUID'))
    throw invalidOpcode(`CR4 does not exist on cpu "${state.model.name}"`, { index });
}

export const controlRegisterOperations: SystemOperations = {
  'write-control': (cpu, [index = 0, value = 0]) => writeControl(cpu, index, value),
  'read-control': (cpu, [index = 0, register = 0]) => readControl(cpu, index, register),
  lmsw: (cpu, [value = 0]) => loadMachineStatus(cpu, value),
  clts: (cpu) => clearTaskSwitched(cpu),
  invlpg: (cpu, [linear = 0]) => invalidatePage(cpu, linear),
};
