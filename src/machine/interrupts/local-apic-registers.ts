/** Where a local APIC answers after a reset. */
export const LOCAL_APIC_ADDRESS = 0xfee00000;

/** Register offsets (SDM 3A table 10-1). Each is 32 bits wide at a multiple of 16. */
export const APIC_REGISTER = {
  id: 0x20,
  version: 0x30,
  taskPriority: 0x80,
  arbitrationPriority: 0x90,
  processorPriority: 0xa0,
  endOfInterrupt: 0xb0,
  remoteRead: 0xc0,
  logicalDestination: 0xd0,
  destinationFormat: 0xe0,
  spurious: 0xf0,
  inService: 0x100,
  triggerMode: 0x180,
  request: 0x200,
  errorStatus: 0x280,
  commandLow: 0x300,
  commandHigh: 0x310,
  timer: 0x320,
  lint0: 0x350,
  lint1: 0x360,
  error: 0x370,
  initialCount: 0x380,
  currentCount: 0x390,
  divide: 0x3e0,
} as const;

/** IA32_APIC_BASE without its global enable. */
export const NO_LOCAL_APIC = 0xfee00100;
