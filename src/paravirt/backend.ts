/** Which implementation a slot holds. */
export type Backend =
  'native' | 'xen' | 'lguest' | 'vmi' | 'kvm' | 'hyperv' | 'vmware' | 'tdx' | 'no-op' | 'other' | 'null';

/** A thunk that saves the registers C may change, then calls the function whose name follows (Linux PV_CALLEE_SAVE). */
const THUNK = /^__raw_callee_save_/;

/** By the names that Linux gives the functions of each backend; the first that matches counts. */
const NAMING: readonly (readonly [RegExp, Backend])[] = [
  [/^(_?paravirt_nop|native_nop|vmi_nop|nop_func|_?paravirt_ident(_32|_64)?)$/, 'no-op'],
  [/^(__|pv_)?native_/, 'native'],
  [/^(__)?xen_/, 'xen'],
  [/^(lguest|lg)_/, 'lguest'],
  [/^vmi_/, 'vmi'],
  [/^(kvm_|__pv_queued_spin_)/, 'kvm'],
  [/^(hyperv|hv)_/, 'hyperv'],
  [/^vmware_/, 'vmware'],
  [/^tdx_/, 'tdx'],
];

/** The backend that a function belongs to, told by its name. */
export function backendOf(symbol: string): Backend {
  const name = symbol.replace(THUNK, '');
  return NAMING.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

/** How a slot shows its function: `xen_save_fl via thunk` for `__raw_callee_save_xen_save_fl`. */
export function targetName(symbol: string): string {
  return THUNK.test(symbol) ? `${symbol.replace(THUNK, '')} via thunk` : symbol;
}
