import { hex } from '../../util/hex.ts';
import { ioPrivilegeLevel } from '../../x86/eflags.ts';
import { REGISTER } from '../../x86/registers.ts';
import { mergeRegister } from './general-register.ts';
import type { AccessWidth, CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { generalProtection, inVirtual8086Mode, type SystemOperations } from './operation.ts';
import { IO_BITMAP_BASE, taskStateIs32Bit } from './task-state.ts';

/**
 * Raises #GP(0) unless the program may access `width` bits at `port`: CPL at most IOPL (not in virtual-8086 mode), or clear
 * bits in the TSS's I/O permission bitmap (SDM 1, 19.5; SDM 3, 20.2.8.1). For IN and OUT, and for INS and OUTS before their memory access.
 */
export function checkPortAccess(cpu: CpuContext, port: number, width: AccessWidth): void {
  const { cpl } = cpu.state;
  const iopl = ioPrivilegeLevel(cpu.state.systemFlags);
  const virtual = inVirtual8086Mode(cpu);
  if (cpl <= iopl && !virtual) {
    cpu.state.trace?.passed('port', `port ${hex(port)} needs CPL at most IOPL ${iopl}, and CPL is ${cpl}`);
    return;
  }
  const why = virtual ? 'in virtual-8086 mode the permission bitmap decides' : `CPL ${cpl} is above IOPL ${iopl}`;
  const refuse = (reason: string): Error =>
    generalProtection(`port ${hex(port)}: ${why}, and ${reason}`, { port, cpl, iopl });

  const task = cpu.state.segment(SEGMENT.tr);
  if (taskStateIs32Bit(task) !== true) throw refuse('TR holds no 32-bit TSS with a permission bitmap');
  if (task.limit < IO_BITMAP_BASE + 1) throw refuse(`TR limit ${hex(task.limit)} leaves no permission bitmap`);
  // The CPU reads two bytes, so that a wide access may cross a byte of the bitmap.
  const first = cpu.memory.read((task.base + IO_BITMAP_BASE) >>> 0, 16, true) + (port >>> 3);
  if (first + 1 > task.limit)
    throw refuse(`permission bitmap bytes ${hex(first)} to ${hex(first + 1)} are past the TR limit ${hex(task.limit)}`);
  const bits = cpu.memory.read((task.base + first) >>> 0, 16, true) >>> (port & 7);
  const mask = (1 << (width / 8)) - 1;
  if ((bits & mask) !== 0) throw refuse('its bit in the permission bitmap of the TSS is 1');
  cpu.state.trace?.passed('port', `port ${hex(port)}: its ${width / 8} bits in the permission bitmap of the TSS are 0`);
}

function portIn(cpu: CpuContext, port: number, width: AccessWidth): void {
  checkPortAccess(cpu, port, width);
  mergeRegister(cpu.state, REGISTER.eax, width, cpu.bus.portRead(port, width));
}

function portOut(cpu: CpuContext, port: number, width: AccessWidth, value: number): void {
  checkPortAccess(cpu, port, width);
  cpu.bus.portWrite(port, width, value);
}

function accessWidth(width: number): AccessWidth {
  return width === 8 || width === 16 ? width : 32;
}

export const portOperations: SystemOperations = {
  'port-in': (cpu, [port = 0, width = 0]) => portIn(cpu, port, accessWidth(width)),
  'port-out': (cpu, [port = 0, width = 0, value = 0]) => portOut(cpu, port, accessWidth(width), value),
};
