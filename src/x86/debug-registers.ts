/** DR6 (SDM 3, 17.2.3): B0-B3, BD, BS and BT can be written, the bits without a feature read as 1. */
export const DR6 = { writable: 0x0000e00f, ones: 0xffff0ff0 } as const;

/** DR7 (SDM 3, 17.2.4): bit 10 reads as 1, bits 11, 12, 14 and 15 as 0. */
export const DR7 = {
  writable: 0xffff23ff,
  ones: 0x00000400,
  /** L0-L3, G0-G3 and GD: what makes the debug registers raise #DB. */
  armed: 0x000020ff,
} as const;
