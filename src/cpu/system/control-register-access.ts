import { hex } from '../../util/hex.ts';
import { setFieldNames } from '../../x86/bit-field.ts';
import { CR0, CR0_FIELDS, CR4, CR4_FIELDS } from '../../x86/control-registers.ts';
import type { CpuContext } from '../context.ts';
import { generalProtection, invalidOpcode, requirePrivilege, type SystemOperations } from './operation.ts';

const EXISTING: ReadonlySet<number> = new Set([0, 2, 3, 4]);
/** The bits CR0 has; the others stay 0 whatever is written (SDM 2, MOV to and from control registers). */
const CR0_WRITABLE = CR0_FIELDS.reduce((mask, field) => mask | (1 << field.bit), 0) >>> 0;
/** The bits of CR4 whose features CPUID reports, and so the only ones that may be set. */
const CR4_WRITABLE = CR4.TSD | CR4.PSE;
/** CR0 bits that decide what a linear address means. */
const TRANSLATION = CR0.PE | CR0.WP | CR0.PG;
/** CR0 bits that LMSW loads. */
const MACHINE_STATUS = CR0.PE | CR0.MP | CR0.EM | CR0.TS;

function writeControl(cpu: CpuContext, index: number, value: number): void {
  requireRegister(index);
  requirePrivilege(cpu, `MOV to CR${index}`);
  if (index === 0) writeCr0(cpu, value);
  else if (index === 4) writeCr4(cpu, value);
  else cpu.state.setControl(index, value);
  if (index === 3) cpu.flushTranslations();
}

function writeCr0(cpu: CpuContext, written: number): void {
  if ((written & CR0.PG) !== 0 && (written & CR0.PE) === 0)
    throw generalProtection(`CR0 ${hex(written)} sets PG without PE`, { value: written });
  if ((written & CR0.NW) !== 0 && (written & CR0.CD) === 0)
    throw generalProtection(`CR0 ${hex(written)} sets NW without CD`, { value: written });
  const before = cpu.state.control(0);
  const after = ((written & CR0_WRITABLE) | CR0.ET) >>> 0;
  cpu.state.setControl(0, after);
  if (((before ^ after) & TRANSLATION) !== 0) cpu.flushTranslations();
}

function writeCr4(cpu: CpuContext, value: number): void {
  const reserved = (value & ~CR4_WRITABLE) >>> 0;
  if (reserved !== 0) {
    const names = setFieldNames(CR4_FIELDS, reserved);
    const named = names.length === 0 ? '' : ` (${names.join(' ')}), which CPUID does not report`;
    throw generalProtection(`CR4 ${hex(value)} sets reserved bits ${hex(reserved)}${named}`, { value, reserved });
  }
  const before = cpu.state.control(4);
  cpu.state.setControl(4, value);
  if (((before ^ value) & CR4.PSE) !== 0) cpu.flushTranslations();
}

function readControl(cpu: CpuContext, index: number, register: number): void {
  requireRegister(index);
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

function requireRegister(index: number): void {
  if (!EXISTING.has(index)) throw invalidOpcode(`CR${index} does not exist`, { index });
}

export const controlRegisterOperations: SystemOperations = {
  'write-control': (cpu, [index = 0, value = 0]) => writeControl(cpu, index, value),
  'read-control': (cpu, [index = 0, register = 0]) => readControl(cpu, index, register),
  lmsw: (cpu, [value = 0]) => loadMachineStatus(cpu, value),
  clts: (cpu) => clearTaskSwitched(cpu),
  invlpg: (cpu, [linear = 0]) => invalidatePage(cpu, linear),
};
