import { KVM_CPUID_BASE, KVM_FEATURE, KVM_SIGNATURE } from '../../abi/kvm.ts';
import type { CpuidLeaf } from '../../cpu/system/cpuid.ts';
import { HypercallLog } from '../../machine/hypercall-log.ts';
import type { Supervisor, SupervisorHost } from '../../machine/supervisor.ts';
import type { Hypervisor } from '../hypervisor.ts';
import { signatureLeaf, withHypervisorBit } from '../signature.ts';
import { KvmClocks } from './kvm-clocks.ts';
import { kvmHypercall } from './kvm-hypercalls.ts';

const FEATURES = [
  KVM_FEATURE.CLOCKSOURCE,
  KVM_FEATURE.NOP_IO_DELAY,
  KVM_FEATURE.CLOCKSOURCE2,
  KVM_FEATURE.STEAL_TIME,
  KVM_FEATURE.CLOCKSOURCE_STABLE,
].reduce<number>((word, bit) => word | (1 << bit), 0);

/**
 * A full virtual machine under KVM: the hardware is as on bare metal, and the guest may find out by CPUID where it stands, take the
 * time from pages that it shares with the hypervisor, and make hypercalls.
 */
export const kvm: Hypervisor = {
  name: 'kvm',
  label: 'KVM',
  attach: (host) => kvmUnder(host),
};

function kvmUnder(host: SupervisorHost): Supervisor {
  const clocks = new KvmClocks(host);
  const hypercalls = new HypercallLog(() => host.cpu.retired);
  return {
    name: 'kvm',
    hypercalls,
    device: clocks,
    intercepts: {
      cpuid: identify,
      readMsr: (index) => clocks.read(index),
      writeMsr: (index, value) => clocks.write(index, value),
      hypercall: (instruction) => kvmHypercall(host, hypercalls, instruction),
    },
  };
}

function identify(leaf: number, _subleaf: number, own: CpuidLeaf): CpuidLeaf | undefined {
  switch (leaf) {
    case 1:
      return withHypervisorBit(own);
    case KVM_CPUID_BASE:
      return signatureLeaf(KVM_CPUID_BASE + 1, KVM_SIGNATURE);
    case KVM_CPUID_BASE + 1:
      return [FEATURES, 0, 0, 0];
    default:
      return undefined;
  }
}
