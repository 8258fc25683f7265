import { VMI_CALLS, VMI_ENTRY, VMI_RELOCATION } from '../../abi/vmi.ts';
import { HypercallLog, type Hypercall } from '../../machine/hypercall-log.ts';
import type { Supervisor, SupervisorHost } from '../../machine/supervisor.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { REGISTER } from '../../x86/registers.ts';
import { callerOf } from '../guest-access.ts';
import type { Hypervisor, StartOfDay } from '../hypervisor.ts';
import { buildVmiRom, VMI_ROM_ADDRESS, VMI_ROM_SIZE, type VmiRom } from './vmi-rom.ts';

const REBOOT = 36;
const SHUTDOWN = 37;
/** Numbers of the two entries of the ROM's header, which have none of their own. */
const INIT = -1;
const GET_RELOCATION = -2;
/** Registers of the first three arguments. */
const ARGUMENT_REGISTERS = [REGISTER.eax, REGISTER.edx, REGISTER.ecx];

/**
 * VMware's interface: the kernel boots natively, finds an option ROM, and calls it from then on. This one leaves the kernel at privilege
 * level 0 and does what the hardware would do; every stub begins with a VMCALL, by which the call is seen.
 */
export const vmi: Hypervisor = {
  name: 'vmi',
  label: 'VMI',
  attach: (host, start) => vmiUnder(host, start),
};

function vmiUnder(host: SupervisorHost, start: StartOfDay): Supervisor {
  if (start.entry === 'lguest' || start.entry === 'xen-pv')
    throw new StartOfDayError({
      code: 'hypervisor-entry',
      blame: 'user',
      title: `VMI cannot stand under a kernel entered by ${start.entry}`,
      detail: 'A kernel finds the VMI ROM after a native boot',
      mend: 'Leave "hypervisor" out: it follows the entry.',
    });
  const rom = buildVmiRom();
  host.memory.write(VMI_ROM_ADDRESS, rom.bytes);
  host.cpu.memory.setReadOnlyPages(VMI_ROM_ADDRESS, VMI_ROM_ADDRESS + VMI_ROM_SIZE - 1);
  const hypercalls = new HypercallLog(() => host.cpu.retired);
  return {
    name: 'vmi',
    hypercalls,
    device: {
      name: 'VMI',
      nextEvent: () => Infinity,
      advance: () => undefined,
      // The ROM is the same on every machine, and it has no memory.
      save: () => ({}),
      restore: () => undefined,
    },
    intercepts: {
      hypercall: (instruction) => instruction === 'vmcall' && makeCall(host, rom, hypercalls),
    },
  };
}

/** A VMCALL; false where it is none of the ROM's. */
function makeCall(host: SupervisorHost, rom: VmiRom, log: HypercallLog): boolean {
  const { cpu } = host;
  const caller = callerOf(host);
  const offset = cpu.memory.fetchAddress(caller) - VMI_ROM_ADDRESS;
  const number = callAt(rom, offset);
  if (number === undefined) return false;
  log.make(describe(host, number, caller), () => {
    if (number === GET_RELOCATION) return relocate(host, rom, (caller - offset) >>> 0);
    if (number === REBOOT || number === SHUTDOWN)
      host.stop({
        reason: 'shutdown',
        description: `The guest asks VMI for a ${number === REBOOT ? 'reboot' : 'shutdown'}.`,
      });
    return undefined;
  });
  return true;
}

/** Which call the VMCALL at an offset in the ROM begins. */
function callAt(rom: VmiRom, offset: number): number | undefined {
  if (offset === VMI_ENTRY.init) return INIT;
  if (offset === VMI_ENTRY.getRelocation) return GET_RELOCATION;
  return rom.stubAt.get(offset)?.call;
}

/** Where the call with the number in EAX is, and how it is made: EDX:EAX. `base` is the linear address of the ROM. */
function relocate({ cpu }: SupervisorHost, rom: VmiRom, base: number): bigint {
  const { state } = cpu;
  const wanted = state.register32(REGISTER.eax);
  const offset = rom.offsetOf.get(wanted);
  const stub = offset === undefined ? undefined : rom.stubAt.get(offset);
  const address = offset === undefined ? 0 : (base + offset) >>> 0;
  const type = stub === undefined ? VMI_RELOCATION.none : VMI_RELOCATION[stub.kind];
  state.setRegister32(REGISTER.eax, address);
  state.setRegister32(REGISTER.edx, type);
  return (BigInt(type) << 32n) | BigInt(address);
}

function describe({ cpu }: SupervisorHost, number: number, caller: number): Hypercall {
  const { state } = cpu;
  const { name, arguments: names } = factsOf(number);
  const given = names.slice(0, ARGUMENT_REGISTERS.length).flatMap((argument, n) => {
    const value = state.register32(ARGUMENT_REGISTERS[n] ?? 0);
    if (argument === '') return [];
    return [{ name: argument, value: BigInt(value), ...(argument === 'call' ? { text: factsOf(value).name } : {}) }];
  });
  return { number, name, arguments: given, caller };
}

function factsOf(number: number): { readonly name: string; readonly arguments: readonly string[] } {
  if (number === INIT) return { name: 'Init', arguments: [] };
  if (number === GET_RELOCATION) return { name: 'GetRelocationInfo', arguments: ['call'] };
  return VMI_CALLS.get(number) ?? { name: `call_${number}`, arguments: [] };
}
