import { hex } from '../../util/hex.ts';
import { CR4 } from '../../x86/control-registers.ts';
import { describeMsr, EFER, MSR, msrOf, type MsrFact } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { Unimplemented } from '../fault.ts';
import { generalProtection, requirePrivilege, type SystemOperations } from './operation.ts';

const LOW_WORD = 0xffffffffn;
/** PERFEVTSEL.EN: both counters count, at the levels that USR and OS name (SDM 3, 18.2.1.1): at none without them. */
const COUNTERS_ENABLED = 1n << 22n;
const COUNTED_LEVELS = 3n << 16n;
/** UC, WC, WT, WP and WB (SDM 3, table 11-8); PAT entries have UC- as well. */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6]);
const UNCACHED = 7;

function readMsr(cpu: CpuContext): void {
  requirePrivilege(cpu, 'RDMSR');
  const virtual = cpu.intercepts?.readMsr?.(cpu.state.register32(REGISTER.ecx));
  if (virtual !== undefined) return setPair(cpu, virtual);
  const { index } = requireMsr(cpu, 'RDMSR');
  setPair(cpu, index === MSR.timeStampCounter ? timeStamp(cpu) : cpu.state.modelSpecific(index));
}

function writeMsr(cpu: CpuContext): void {
  requirePrivilege(cpu, 'WRMSR');
  const { state } = cpu;
  const value = (BigInt(state.register32(REGISTER.edx)) << 32n) | BigInt(state.register32(REGISTER.eax));
  if (cpu.intercepts?.writeMsr?.(state.register32(REGISTER.ecx), value) === true) return cpu.attention();
  const fact = requireMsr(cpu, 'WRMSR');
  checkWrite(fact, value);
  const { index } = fact;
  if (index === MSR.timeStampCounter) {
    const written = state.model.writesWholeTimeStamp ? value : value & LOW_WORD;
    // What is kept is the distance to the machine's time.
    return state.setModelSpecific(index, BigInt.asUintN(64, written - cpu.bus.timeStamp()));
  }
  if (
    (index === MSR.eventSelect0 || index === MSR.eventSelect1) &&
    (value & COUNTERS_ENABLED) !== 0n &&
    (value & COUNTED_LEVELS) !== 0n
  )
    throw new Unimplemented(`performance counters (${describeMsr(index)})`);
  const before = state.modelSpecific(index);
  state.setModelSpecific(index, value);
  if (index === MSR.apicBase) cpu.bus.apicBaseWritten?.(Number(value & LOW_WORD));
  if (index === MSR.efer && ((before ^ value) & BigInt(EFER.NXE)) !== 0n) cpu.flushTranslations();
}

/** Raises #GP(0) for what a register cannot hold. */
function checkWrite({ index, writable, readOnly, memoryTypes }: MsrFact, value: bigint): void {
  const refuse = (what: string): Error =>
    generalProtection(`WRMSR: ${describeMsr(index)} ${what}`, { index, low: Number(value & LOW_WORD) });
  if (readOnly === true) throw refuse('is read-only');
  const reserved = value & ~writable;
  if (reserved !== 0n) throw refuse(`has reserved bits 0x${reserved.toString(16)}`);
  if (memoryTypes === undefined) return;
  const types = memoryTypes === 'low-byte' ? [0] : [0, 1, 2, 3, 4, 5, 6, 7];
  for (const byte of types) {
    const type = Number((value >> BigInt(byte * 8)) & 0xffn);
    if (!MEMORY_TYPES.has(type) && !(index === MSR.pat && type === UNCACHED))
      throw refuse(`byte ${byte} is ${hex(type)}, which is no memory type`);
  }
}

function requireMsr({ state }: CpuContext, instruction: string): MsrFact {
  const index = state.register32(REGISTER.ecx);
  const fact = msrOf(state.model, index);
  if (fact !== undefined) return fact;
  const reason = `${instruction}: ${describeMsr(index)} does not exist on cpu "${state.model.name}"`;
  throw generalProtection(reason, { index });
}

function readTimeStamp(cpu: CpuContext): void {
  const { cpl } = cpu.state;
  if ((cpu.state.control(4) & CR4.TSD) !== 0 && cpl !== 0)
    throw generalProtection(`RDTSC needs CPL 0 while CR4.TSD is 1; CPL is ${cpl}`, { cpl });
  setPair(cpu, timeStamp(cpu));
}

/** RDPMC: the two counters of the P6, which do not count (SDM 2, RDPMC). */
function readCounter(cpu: CpuContext): void {
  const { state } = cpu;
  const { cpl } = state;
  if ((state.control(4) & CR4.PCE) === 0 && cpl !== 0)
    throw generalProtection(`RDPMC needs CPL 0 while CR4.PCE is 0; CPL is ${cpl}`, { cpl });
  const counter = state.register32(REGISTER.ecx);
  if (counter > 1) throw generalProtection(`RDPMC: there is no counter ${hex(counter)}`, { counter });
  setPair(cpu, state.modelSpecific(MSR.performanceCounter0 + counter) & 0xffffffffffn);
}

function timeStamp({ state, bus }: CpuContext): bigint {
  return BigInt.asUintN(64, bus.timeStamp() + state.modelSpecific(MSR.timeStampCounter));
}

function setPair({ state }: CpuContext, value: bigint): void {
  state.setRegister32(REGISTER.eax, Number(value & LOW_WORD));
  state.setRegister32(REGISTER.edx, Number((value >> 32n) & LOW_WORD));
}

export const msrOperations: SystemOperations = {
  rdmsr: (cpu) => readMsr(cpu),
  wrmsr: (cpu) => writeMsr(cpu),
  rdtsc: (cpu) => readTimeStamp(cpu),
  rdpmc: (cpu) => readCounter(cpu),
};
