import { CR4 } from '../../x86/control-registers.ts';
import { describeMsr, MSR } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { Unimplemented } from '../fault.ts';
import { generalProtection, requirePrivilege, type SystemOperations } from './operation.ts';

function readMsr(cpu: CpuContext): void {
  requirePrivilege(cpu, 'RDMSR');
  const index = cpu.state.register32(REGISTER.ecx);
  if (index !== MSR.timeStampCounter) throw noSuchMsr('RDMSR', index);
  writeTimeStamp(cpu);
}

function writeMsr(cpu: CpuContext): void {
  requirePrivilege(cpu, 'WRMSR');
  const index = cpu.state.register32(REGISTER.ecx);
  if (index === MSR.timeStampCounter) throw new Unimplemented(`WRMSR to ${describeMsr(index)}`);
  throw noSuchMsr('WRMSR', index);
}

function readTimeStamp(cpu: CpuContext): void {
  const { cpl } = cpu.state;
  if ((cpu.state.control(4) & CR4.TSD) !== 0 && cpl !== 0)
    throw generalProtection(`RDTSC needs CPL 0 while CR4.TSD is 1; CPL is ${cpl}`, { cpl });
  writeTimeStamp(cpu);
}

function writeTimeStamp({ state, bus }: CpuContext): void {
  const ticks = bus.timeStamp();
  state.setRegister32(REGISTER.eax, Number(BigInt.asUintN(32, ticks)));
  state.setRegister32(REGISTER.edx, Number(BigInt.asUintN(32, ticks >> 32n)));
}

function noSuchMsr(instruction: string, index: number): Error {
  return generalProtection(`${instruction}: ${describeMsr(index)} does not exist on this CPU`, { index });
}

export const msrOperations: SystemOperations = {
  rdmsr: (cpu) => readMsr(cpu),
  wrmsr: (cpu) => writeMsr(cpu),
  rdtsc: (cpu) => readTimeStamp(cpu),
};
