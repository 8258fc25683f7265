/** Sectors of setup code behind the boot sector. */
export const SETUP_SECTORS = 2;
export const CODE_OFFSET = (SETUP_SECTORS + 1) * 512;
/** CLI; HLT; back to HLT */
export const CODE = Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd);

export interface Header {
  readonly version?: number;
  readonly loadflags?: number;
  readonly setupSectors?: number;
  readonly code32Start?: number;
  readonly initSize?: number;
  readonly prefAddress?: number;
  readonly alignment?: number;
  readonly relocatable?: number;
  readonly commandLineSize?: number;
  readonly initrdMax?: number;
  readonly xloadflags?: number;
  readonly jump?: number;
  /** Protected-mode code. */
  readonly code?: Uint8Array;
  /** File offset from the code on, and length. */
  readonly payload?: readonly [offset: number, length: number];
}

/** A bzImage with the fields of boot.rst, "The Real-Mode Kernel Header", and a few bytes of protected-mode code. */
export function bzImage(header: Header = {}): Uint8Array {
  const { version = 0x20c, loadflags = 0xc3, setupSectors = SETUP_SECTORS, code = CODE } = header;
  const bytes = Buffer.alloc(((setupSectors === 0 ? 4 : setupSectors) + 1) * 512 + code.length);
  bytes.fill(0xff, 0x1ef, 0x1f1);
  bytes.writeUInt8(setupSectors, 0x1f1);
  bytes.writeUInt16LE(0x1234, 0x1fa);
  bytes.writeUInt16LE(0xaa55, 0x1fe);
  // A jump over the header, which ends at 0x202 + 0x66 = 0x268; what follows is code and must not be copied.
  bytes.writeUInt8(0xeb, 0x200);
  bytes.writeUInt8(header.jump ?? 0x66, 0x201);
  bytes.write('HdrS', 0x202);
  bytes.writeUInt16LE(version, 0x206);
  bytes.writeUInt8(0x77, 0x210);
  bytes.writeUInt8(loadflags, 0x211);
  bytes.writeUInt32LE(header.code32Start ?? 0x100000, 0x214);
  bytes.writeUInt32LE(0xdeadbeef, 0x218);
  bytes.writeUInt32LE(0xdeadbeef, 0x21c);
  bytes.writeUInt16LE(0x1122, 0x224);
  bytes.writeUInt32LE(header.initrdMax ?? 0x37ffffff, 0x22c);
  bytes.writeUInt32LE(header.alignment ?? 0x200000, 0x230);
  bytes.writeUInt8(header.relocatable ?? 1, 0x234);
  bytes.writeUInt16LE(header.xloadflags ?? 0, 0x236);
  bytes.writeUInt32LE(header.commandLineSize ?? 255, 0x238);
  bytes.writeUInt32LE(header.payload?.[0] ?? 0, 0x248);
  bytes.writeUInt32LE(header.payload?.[1] ?? 0, 0x24c);
  bytes.writeBigUInt64LE(BigInt(header.prefAddress ?? 0x200000), 0x258);
  bytes.writeUInt32LE(header.initSize ?? 0x20000, 0x260);
  bytes.fill(0xee, 0x268, 0x300);
  bytes.set(code, bytes.length - code.length);
  return new Uint8Array(bytes);
}
