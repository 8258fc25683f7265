/** XENFEAT_*: bit number in submap 0 of XENVER_get_features and of the note SUPPORTED_FEATURES (xen/include/public/features.h). */
export const XEN_FEATURE_NAMES = [
  'writable_page_tables',
  'writable_descriptor_tables',
  'auto_translated_physmap',
  'supervisor_mode_kernel',
  'pae_pgdir_above_4gb',
  'mmu_pt_update_preserve_ad',
  'highmem_assist',
  'gnttab_map_avail_bits',
  'hvm_callback_vector',
  'hvm_safe_pvclock',
  'hvm_pirqs',
  'dom0',
  'grant_map_identity',
  'memory_op_vnode_supported',
  'ARM_SMCCC_supported',
  'linux_rsdp_unrestricted',
  'not_direct_mapped',
  'direct_mapped',
  'runstate_phys_area',
  'vcpu_time_phys_area',
  'dm_msix_all_writes',
] as const;
export type XenFeature = (typeof XEN_FEATURE_NAMES)[number];

/** Names that the FEATURES text may hold (libelf-dominfo.c, elf_xen_feature_names); another one with `!` refuses the image. */
export const TEXT_FEATURES: ReadonlySet<string> = new Set<XenFeature>([
  'writable_page_tables',
  'writable_descriptor_tables',
  'auto_translated_physmap',
  'supervisor_mode_kernel',
  'pae_pgdir_above_4gb',
  'hvm_callback_vector',
  'dom0',
]);

/**
 * Known names that refuse an unprivileged PV image when they are required (Xen 4.17, tools/libs/guest: xg_dom_elfloader.c, xg_dom_x86.c; a
 * kernel in ring 0 by xen/arch/x86/pv/dom0_build.c). The others are no more than wishes, with `!` or without.
 */
export const REFUSED_FEATURES: ReadonlySet<string> = new Set<XenFeature>([
  'dom0',
  'auto_translated_physmap',
  'supervisor_mode_kernel',
]);

/** What this Xen gives a 32-bit PV guest, as Xen 4.2 does an unprivileged one (xen/common/kernel.c, XENVER_get_features). */
export const PV_FEATURES: ReadonlySet<XenFeature> = new Set([
  'pae_pgdir_above_4gb',
  'mmu_pt_update_preserve_ad',
  'highmem_assist',
  'gnttab_map_avail_bits',
]);

/** What it gives a PVH guest (the same place, for a guest whose paging the hardware translates). */
export const PVH_FEATURES: ReadonlySet<XenFeature> = new Set([
  'writable_page_tables',
  'auto_translated_physmap',
  'supervisor_mode_kernel',
  'pae_pgdir_above_4gb',
  'highmem_assist',
  'gnttab_map_avail_bits',
  'hvm_callback_vector',
  'hvm_safe_pvclock',
]);

/** The bits of a set of features. */
export function featureMask(features: ReadonlySet<XenFeature>): number {
  return XEN_FEATURE_NAMES.reduce((mask, name, bit) => (features.has(name) ? mask | (1 << bit) : mask), 0) >>> 0;
}
