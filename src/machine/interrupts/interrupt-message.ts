/** Delivery modes of the APICs (SDM 3A 10.5.1, 10.6.1; 82093AA 3.2.4). */
export const DELIVERY = {
  fixed: 0,
  lowestPriority: 1,
  systemManagement: 2,
  nonMaskable: 4,
  init: 5,
  startUp: 6,
  external: 7,
} as const;

/** An interrupt on its way from the I/O APIC to a local APIC. */
export interface InterruptMessage {
  /** 0..255. */
  readonly vector: number;
  /** One of {@link DELIVERY}. */
  readonly deliveryMode: number;
  /** Whether `destination` is logical (LDR, DFR) and not an APIC ID. */
  readonly logical: boolean;
  /** 8 bits. */
  readonly destination: number;
  /** Level-triggered: its end is told back to the I/O APIC. */
  readonly level: boolean;
}

/** A delivery mode as reports name it. */
export function deliveryName(mode: number): string {
  return NAMES[mode] ?? `reserved mode ${mode}`;
}

const NAMES: Readonly<Record<number, string>> = {
  [DELIVERY.fixed]: 'fixed',
  [DELIVERY.lowestPriority]: 'lowest priority',
  [DELIVERY.systemManagement]: 'SMI',
  [DELIVERY.nonMaskable]: 'NMI',
  [DELIVERY.init]: 'INIT',
  [DELIVERY.startUp]: 'start-up',
  [DELIVERY.external]: 'ExtINT',
};
