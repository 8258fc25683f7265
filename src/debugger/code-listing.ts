import { LONGEST_INSTRUCTION } from './disassembler.ts';
import type { CodeContext, DisassembledInstruction, Disassembler } from './disassembler.ts';

/** A row of a listing; no instruction where memory cannot be read. */
export interface ListingRow {
  /** Linear address. */
  readonly address: bigint;
  readonly instruction: DisassembledInstruction | undefined;
}

/** Where a listing gets its bytes and its known instruction starts. */
export interface CodeSource {
  /** Up to `count` bytes at a linear address; fewer where nothing can be read. */
  read(address: bigint, count: number): Uint8Array;
  /** Start of the function that holds the address, if that is known. */
  functionStart(address: bigint): bigint | undefined;
  readonly context: CodeContext;
}

/** A function further back than this is not decoded from its start. */
const FARTHEST_START = 0x4000n;

/** Exactly `count` rows, the first one `offset` instructions after (or before, when negative) the one at `address`. */
export function listCode(
  disassembler: Disassembler,
  source: CodeSource,
  address: bigint,
  offset: number,
  count: number,
): ListingRow[] {
  const before = offset < 0 ? backward(disassembler, source, address, -offset).slice(0, count) : [];
  const skipped = Math.max(0, offset);
  const after = forward(disassembler, source, address, skipped + count - before.length).slice(skipped);
  return [...before, ...after];
}

function forward(disassembler: Disassembler, source: CodeSource, start: bigint, count: number): ListingRow[] {
  const rows: ListingRow[] = [];
  let address = start;
  while (rows.length < count) {
    const wanted = count - rows.length;
    const bytes = source.read(address, wanted * LONGEST_INSTRUCTION);
    const decoded = disassembler.disassemble(bytes, address, wanted, source.context);
    for (const instruction of decoded) rows.push({ address: instruction.address, instruction });
    const last = decoded.at(-1);
    if (last === undefined) rows.push({ address, instruction: undefined });
    address = last === undefined ? address + 1n : last.address + BigInt(last.bytes.length);
  }
  return rows;
}

/** The `count` rows before `end`: the x86 cannot be decoded backwards, so a start is sought from which decoding meets `end`. */
function backward(disassembler: Disassembler, source: CodeSource, end: bigint, count: number): ListingRow[] {
  let rows: ListingRow[] = [];
  let address = end;
  while (rows.length < count && address > 0n) {
    const found =
      fromFunctionStart(disassembler, source, address) ??
      fromAnyStart(disassembler, source, address, count - rows.length);
    if (found.length === 0) break;
    rows = [...found.map((instruction) => ({ address: instruction.address, instruction })), ...rows];
    address = rows[0]?.address ?? 0n;
  }
  while (rows.length < count) rows.unshift({ address: --address, instruction: undefined });
  return rows.slice(-count);
}

function fromFunctionStart(
  disassembler: Disassembler,
  source: CodeSource,
  end: bigint,
): DisassembledInstruction[] | undefined {
  const start = source.functionStart(end - 1n);
  if (start === undefined || end - start > FARTHEST_START) return undefined;
  return decodeUpTo(disassembler, source, start, end);
}

/** Tries every start from the farthest useful one on; the first that meets `end` gives the most instructions. */
function fromAnyStart(
  disassembler: Disassembler,
  source: CodeSource,
  end: bigint,
  count: number,
): DisassembledInstruction[] {
  const reach = BigInt(count * LONGEST_INSTRUCTION);
  let start = end > reach ? end - reach : 0n;
  // Decoding falls into step with the true boundaries within a few instructions, so the farther start is the better one.
  for (; start < end; start++) {
    const found = decodeUpTo(disassembler, source, start, end);
    if (found !== undefined) return found;
  }
  return [];
}

/** The instructions from `start` to `end`, or undefined when one of them crosses `end` or memory cannot be read. */
function decodeUpTo(
  disassembler: Disassembler,
  source: CodeSource,
  start: bigint,
  end: bigint,
): DisassembledInstruction[] | undefined {
  const length = Number(end - start);
  const bytes = source.read(start, length);
  if (bytes.length < length) return undefined;
  const decoded = disassembler.disassemble(bytes, start, length, source.context);
  const last = decoded.at(-1);
  return last !== undefined && last.address + BigInt(last.bytes.length) === end ? decoded : undefined;
}
