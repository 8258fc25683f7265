import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';
import { HYPERVISOR_NAMES, type Hypervisor } from './hypervisor.ts';
import { kvm } from './kvm/kvm.ts';
import { lguest } from './lguest/lguest.ts';
import { vmi } from './vmi/vmi.ts';
import { xen } from './xen/xen.ts';

/** Every hypervisor that there is; bare hardware is none. */
export const HYPERVISORS: readonly Hypervisor[] = [kvm, xen, lguest, vmi];

/** The hypervisor of a name; undefined for `native`. Throws `hypervisor-name`. */
export function hypervisorNamed(name: string): Hypervisor | undefined {
  if (name === 'native') return undefined;
  const found = HYPERVISORS.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = ['native', ...HYPERVISORS.map((one) => one.name)];
  throw new StartOfDayError({
    code: 'hypervisor-name',
    blame: 'user',
    title: `There is no hypervisor "${name}"`,
    detail: `"hypervisor" is one of ${names.join(', ')}, or the path of a module of your own, which begins with ./ or / or ends with .mjs`,
    mend: didYouMean(name, [...HYPERVISOR_NAMES]) ?? 'Leave "hypervisor" out: it follows the entry.',
  });
}
