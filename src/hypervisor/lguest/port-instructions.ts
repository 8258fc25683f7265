import { LGUEST_PRIVILEGE } from '../../abi/lguest.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { AddressSpace } from './address-space.ts';
import type { LguestGuest } from './guest.ts';

const OPERAND_SIZE = 0x66;

/** The first byte of IN and OUT without its lowest bit: how many bytes the instruction has, and whether it reads. */
const INSTRUCTIONS: ReadonlyMap<number, { readonly length: number; readonly reads: boolean }> = new Map([
  [0xe4, { length: 2, reads: true }],
  [0xec, { length: 1, reads: true }],
  [0xe6, { length: 2, reads: false }],
  [0xee, { length: 1, reads: false }],
]);

/**
 * emulate_insn: what a guest's kernel that still probes for hardware gets. Every port reads as all ones, writes go nowhere. False: the
 * instruction at EIP is another one. The value is put together as there: IN to AL or AX changes more of EAX than on hardware.
 */
export function emulatePortInstruction(guest: LguestGuest, space: AddressSpace): boolean {
  const { state } = guest.host.cpu;
  if (state.cpl !== LGUEST_PRIVILEGE) return false;
  const address = space.physical(state.ip);
  if (address === undefined) return false;
  const first = guest.read8(address);
  const prefixed = first === OPERAND_SIZE;
  const opcode = prefixed ? guest.read8(address + 1) : first;
  const instruction = INSTRUCTIONS.get(opcode & 0xfe);
  if (instruction === undefined) return false;
  if (instruction.reads) {
    const all = (opcode & 1) !== 0 ? 0xffffffff : (0xffff << (prefixed ? 16 : 0)) >>> 0;
    state.setRegister32(REGISTER.eax, (state.register32(REGISTER.eax) | all) >>> 0);
  }
  state.ip = (state.ip + instruction.length + (prefixed ? 1 : 0)) >>> 0;
  return true;
}
