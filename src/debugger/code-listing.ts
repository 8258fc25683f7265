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

/** Rows that are decoded from one read, so that a long listing of unmapped memory does not read it all for every row. */
const ROWS_AT_ONCE = 256;

/** What can be read changes from page to page. */
const PAGE = 4096n;

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
    const wanted = Math.min(count - rows.length, ROWS_AT_ONCE);
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
    const before =
      fromFunctionStart(disassembler, source, address) ??
      fromAnyStart(disassembler, source, address, count - rows.length);
    if (before.length === 0) break;
    rows = [...before.map((instruction) => ({ address: instruction.address, instruction })), ...rows];
    address = rows[0]?.address ?? 0n;
  }
  while (rows.length < count) rows.unshift({ address: --address, instruction: undefined });
  return rows.slice(-count);
}

/** The instructions from the start of the function to `end`; undefined when it is unknown, far away, or `end` is inside an instruction. */
function fromFunctionStart(
  disassembler: Disassembler,
  source: CodeSource,
  end: bigint,
): DisassembledInstruction[] | undefined {
  const start = source.functionStart(end - 1n);
  if (start === undefined || end - start > FARTHEST_START) return undefined;
  const length = Number(end - start);
  const bytes = source.read(start, length);
  if (bytes.length < length) return undefined;
  const decoded = disassembler.disassemble(bytes, start, length, source.context);
  const last = decoded.at(-1);
  return last !== undefined && last.address + BigInt(last.bytes.length) === end ? decoded : undefined;
}

/**
 * Up to `count` instructions that end at `end`, by the farthest start that meets it: decoding falls into step with the true boundaries
 * within a few instructions. Empty when nothing before `end` can be read.
 */
function fromAnyStart(
  disassembler: Disassembler,
  source: CodeSource,
  end: bigint,
  count: number,
): DisassembledInstruction[] {
  const { start, bytes } = readableBefore(source, end, count * LONGEST_INSTRUCTION);
  if (bytes.length === 0) return [];
  const lengths = disassembler.lengths(bytes, source.context);
  /** Whether decoding from an offset meets the end. */
  const meets = new Uint8Array(bytes.length + 1);
  meets[bytes.length] = 1;
  for (let at = bytes.length - 1; at >= 0; at--) meets[at] = meets[at + (lengths[at] ?? 1)] ?? 0;
  const offsets: number[] = [];
  for (let at = meets.indexOf(1); at < bytes.length; at += lengths[at] ?? 1) offsets.push(at);
  // Where every instruction would cross `end`, the byte before it stands alone.
  const first = offsets.at(-count) ?? bytes.length - 1;
  return disassembler.disassemble(bytes.subarray(first), start + BigInt(first), count, source.context);
}

/** The bytes before `end`, at most `length` of them: what can be read without a gap. */
function readableBefore(source: CodeSource, end: bigint, length: number): { start: bigint; bytes: Uint8Array } {
  let start = end > BigInt(length) ? end - BigInt(length) : 0n;
  for (;;) {
    const bytes = source.read(start, Number(end - start));
    if (start + BigInt(bytes.length) >= end) return { start, bytes };
    const gap = start + BigInt(bytes.length);
    const nextPage = (gap / PAGE + 1n) * PAGE;
    start = nextPage < end ? nextPage : end;
  }
}
