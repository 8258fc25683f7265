import { KVM_ENOSYS, KVM_EPERM, KVM_HYPERCALLS } from '../../abi/kvm.ts';
import type { HypercallInstruction } from '../../cpu/intercepts.ts';
import type { Hypercall, HypercallLog } from '../../machine/hypercall-log.ts';
import type { SupervisorHost } from '../../machine/supervisor.ts';
import { REGISTER } from '../../x86/registers.ts';
import { callerOf } from '../guest-access.ts';

/** Of the arguments, in their order. */
const ARGUMENT_REGISTERS = [REGISTER.ebx, REGISTER.ecx, REGISTER.edx, REGISTER.esi];
const VAPIC_POLL_IRQ = 1;
/** `0f 01 c1`. */
const VMCALL = [0x0f, 0x01, 0xc1];

/**
 * VMCALL, and VMMCALL, which KVM on an Intel CPU writes over with VMCALL (`emulator_fix_hypercall`): the number in EAX, the result there
 * too. The calls of a single CPU are few; the others give -KVM_ENOSYS, as KVM gives where it does not offer a feature.
 */
export function kvmHypercall(host: SupervisorHost, log: HypercallLog, instruction: HypercallInstruction): boolean {
  const { state } = host.cpu;
  const call = hypercallOf(host);
  const result = log.make(call, () => {
    if (instruction === 'vmmcall') patch(host, call.caller);
    if (state.cpl !== 0) return KVM_EPERM;
    return call.number === VAPIC_POLL_IRQ ? 0 : KVM_ENOSYS;
  });
  state.setRegister32(REGISTER.eax, result >>> 0);
  return true;
}

function hypercallOf(host: SupervisorHost): Hypercall {
  const { state } = host.cpu;
  const number = state.register32(REGISTER.eax);
  const known = KVM_HYPERCALLS.get(number);
  const names = known?.arguments ?? ['a0', 'a1', 'a2', 'a3'];
  return {
    number,
    name: known?.name ?? `hypercall_${number}`,
    arguments: names.map((name, n) => ({ name, value: BigInt(state.register32(ARGUMENT_REGISTERS[n] ?? 0)) })),
    caller: callerOf(host),
  };
}

/** The page need not be writable: it is the hypervisor that writes. */
function patch({ cpu }: SupervisorHost, linear: number): void {
  for (const [n, byte] of VMCALL.entries())
    cpu.memory.writePhysical(cpu.memory.fetchAddress((linear + n) >>> 0), 8, byte);
}
