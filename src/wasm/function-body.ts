/** Value types of WebAssembly. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;

/** Numeric instructions by name; the two widths differ only in the opcode. */
const OPCODES = {
  eqz: [0x45, 0x50],
  eq: [0x46, 0x51],
  ne: [0x47, 0x52],
  lts: [0x48, 0x53],
  ltu: [0x49, 0x54],
  gts: [0x4a, 0x55],
  gtu: [0x4b, 0x56],
  les: [0x4c, 0x57],
  leu: [0x4d, 0x58],
  geu: [0x4f, 0x5a],
  clz: [0x67, 0x79],
  ctz: [0x68, 0x7a],
  popcnt: [0x69, 0x7b],
  add: [0x6a, 0x7c],
  sub: [0x6b, 0x7d],
  mul: [0x6c, 0x7e],
  divs: [0x6d, 0x7f],
  divu: [0x6e, 0x80],
  rems: [0x6f, 0x81],
  remu: [0x70, 0x82],
  and: [0x71, 0x83],
  or: [0x72, 0x84],
  xor: [0x73, 0x85],
  shl: [0x74, 0x86],
  sar: [0x75, 0x87],
  shr: [0x76, 0x88],
  rotl: [0x77, 0x89],
} as const;
export type NumericOperation = keyof typeof OPCODES;

/** Unsigned LEB128. */
export function writeUnsigned(out: number[], value: number): void {
  let rest = value >>> 0;
  do {
    const byte = rest & 0x7f;
    rest >>>= 7;
    out.push(rest === 0 ? byte : byte | 0x80);
  } while (rest !== 0);
}

/** Signed LEB128. */
export function writeSigned(out: number[], value: bigint): void {
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) {
      out.push(byte);
      return;
    }
    out.push(byte | 0x80);
  }
}

/** One function body under construction. Widths are in bits. */
export class FunctionBody {
  private code: number[] = [];
  private openBlocks = 0;
  private readonly locals: ValueType[] = [];
  private readonly parameters: number;
  private free: Record<ValueType, number[]> = { [I32]: [], [I64]: [] };
  private temporaries: [ValueType, number][] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  /** A local that is free again after {@link releaseTemporaries}. */
  temporary(type: ValueType): number {
    const local = this.free[type].pop() ?? this.local(type);
    this.temporaries.push([type, local]);
    return local;
  }
  releaseTemporaries(): void {
    for (const [type, local] of this.temporaries) this.free[type].push(local);
    this.temporaries = [];
  }

  /** A local of its own. */
  local(type: ValueType): number {
    return this.parameters + this.locals.push(type) - 1;
  }
  /** Puts what `emit` writes before everything written so far. */
  prepend(emit: () => void): void {
    const rest = this.code;
    this.code = [];
    emit();
    this.code = this.code.concat(rest);
  }

  get(local: number): void {
    this.withIndex(0x20, local);
  }
  set(local: number): void {
    this.withIndex(0x21, local);
  }
  tee(local: number): void {
    this.withIndex(0x22, local);
  }
  drop(): void {
    this.code.push(0x1a);
  }
  i32(value: number): void {
    this.code.push(0x41);
    writeSigned(this.code, BigInt(value | 0));
  }
  i64(value: bigint): void {
    this.code.push(0x42);
    writeSigned(this.code, BigInt.asIntN(64, value));
  }
  numeric(operation: NumericOperation, type: ValueType = I32): void {
    this.code.push(OPCODES[operation][type === I32 ? 0 : 1]);
  }
  /** i64 to i32, dropping the high half. */
  wrap(): void {
    this.code.push(0xa7);
  }
  /** i32 to i64. */
  extendUnsigned(): void {
    this.code.push(0xad);
  }
  extendSigned(): void {
    this.code.push(0xac);
  }
  /** Sign-extends the low 8 or 16 bits of an i32. */
  signExtend32(from: 8 | 16): void {
    this.code.push(from === 8 ? 0xc0 : 0xc1);
  }
  select(): void {
    this.code.push(0x1b);
  }
  /** Loads zero-extended bits at the address on the stack plus `offset`. */
  load(bits: number, offset: number): void {
    this.memory({ 8: 0x2d, 16: 0x2f, 32: 0x28, 64: 0x29 }[bits] ?? 0, offset);
  }
  store(bits: number, offset: number): void {
    this.memory({ 8: 0x3a, 16: 0x3b, 32: 0x36, 64: 0x37 }[bits] ?? 0, offset);
  }
  call(index: number): void {
    this.withIndex(0x10, index);
  }
  callIndirect(type: number): void {
    this.withIndex(0x11, type);
    this.code.push(0);
  }
  returnCall(index: number): void {
    this.withIndex(0x12, index);
  }
  returnCallIndirect(type: number): void {
    this.withIndex(0x13, type);
    this.code.push(0);
  }
  /** Opens a block; the result is its label for {@link branch}. */
  block(): number {
    return this.open(0x02, 0x40);
  }
  /** Opens a loop: a branch to it goes to its start. */
  loop(): number {
    return this.open(0x03, 0x40);
  }
  if(result?: ValueType): number {
    return this.open(0x04, result ?? 0x40);
  }
  else(): void {
    this.code.push(0x05);
  }
  end(): void {
    this.openBlocks--;
    this.code.push(0x0b);
  }
  /** Branches out of an open block, or to the start of an open loop. */
  branch(label: number): void {
    this.withIndex(0x0c, this.openBlocks - label);
  }
  /** As {@link branch}, if the top of the stack is not 0. */
  branchIf(label: number): void {
    this.withIndex(0x0d, this.openBlocks - label);
  }
  return(): void {
    this.code.push(0x0f);
  }
  unreachable(): void {
    this.code.push(0x00);
  }
  /** Branches to the block of depth `n` for a top of stack n below `count`; the last block otherwise. */
  branchTable(count: number): void {
    this.withIndex(0x0e, count - 1);
    for (let n = 0; n < count; n++) writeUnsigned(this.code, n);
  }
  /** Branches to one of some labels by a top of stack below their number; to the last one otherwise. */
  branchByTable(labels: readonly number[]): void {
    this.withIndex(0x0e, labels.length - 1);
    for (const label of labels) writeUnsigned(this.code, this.openBlocks - label);
  }

  /** The encoded body with its size. */
  encode(): number[] {
    const runs: [number, ValueType][] = [];
    for (const type of this.locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    const declarations: number[] = [];
    writeUnsigned(declarations, runs.length);
    for (const [count, type] of runs) {
      writeUnsigned(declarations, count);
      declarations.push(type);
    }
    const size: number[] = [];
    writeUnsigned(size, declarations.length + this.code.length + 1);
    return [...size, ...declarations, ...this.code, 0x0b];
  }

  private open(opcode: number, result: number): number {
    this.code.push(opcode, result);
    return ++this.openBlocks;
  }
  private withIndex(opcode: number, index: number): void {
    this.code.push(opcode);
    writeUnsigned(this.code, index);
  }
  /** Alignment hint 0: guest accesses are unaligned. */
  private memory(opcode: number, offset: number): void {
    this.code.push(opcode, 0);
    writeUnsigned(this.code, offset);
  }
}
