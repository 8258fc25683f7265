import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { ORACLE, type OracleInput, type OracleOutput, type OracleSelectors } from '../../support/native-oracle.ts';
import { fillSeed, fillState } from '../state-fill.ts';
import { ColumnReader, ColumnWriter } from './columns.ts';

/**
 * A file of the corpus: what the CPU of a computer did with random instructions, so that it can be compared with where that computer is
 * not.
 *
 *     bytes 0-3   "SODV"
 *     byte  4     version, 1
 *     bytes 5-    brotli of the columns in the order of COLUMNS, each as `columns.ts` writes it
 *
 * The column `header` holds the number of vectors, the seed, and the selectors ES CS SS DS FS FS GS of the process. A vector is its code,
 * the state before and the state after. The state before is that of `fillState(fillSeed(seed, index))` but for patches; the state after is
 * the state before but for patches. Patches of registers are a mask (bit n is register n) and the values; those of memory are runs in
 * the data window (offsets 0 to 127) and the stack window (128 to 255): their number, then offset and length of each, then the bytes.
 */
const MAGIC = 'SODV';
const VERSION = 1;

const COLUMNS = {
  header: 4,
  codeLength: 1,
  code: 1,
  /** Bits of EFLAGS that are defined after the instruction. */
  definedFlags: 2,
  registersBefore: 1,
  registerValuesBefore: 4,
  runsBefore: 1,
  runPlacesBefore: 1,
  runBytesBefore: 1,
  registersAfter: 1,
  registerValuesAfter: 4,
  runsAfter: 1,
  runPlacesAfter: 1,
  runBytesAfter: 1,
  /** EFLAGS after, exclusive-or before. */
  flagsChanged: 4,
  /** EIP after, less the end of the code. */
  ip: 4,
  vector: 1,
  /** For vectors with an error code of their own: 13 and 14. */
  error: 2,
  /** CR2, for vector 14. */
  address: 4,
} as const;

type ColumnName = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as ColumnName[];

/** One instance, what the host did with it, and which flags of that count. */
export interface Vector {
  readonly input: OracleInput;
  readonly output: OracleOutput;
  /** Bits of EFLAGS that are defined afterwards. */
  readonly flags: number;
}

export interface Corpus {
  readonly seed: number;
  readonly selectors: OracleSelectors;
  readonly count: number;
  /** The vectors in order; can be read once. */
  readonly vectors: Iterable<Vector>;
}

/** Writes vectors whose states before come from `seed`. */
export class CorpusWriter {
  private readonly columns = Object.fromEntries(NAMES.map((name) => [name, new ColumnWriter(COLUMNS[name])])) as Record<
    ColumnName,
    ColumnWriter
  >;
  private readonly seed: number;
  private readonly selectors: OracleSelectors;
  private count = 0;

  constructor(seed: number, selectors: OracleSelectors) {
    this.seed = seed;
    this.selectors = selectors;
  }

  add({ input, output, flags }: Vector): void {
    const { columns } = this;
    const filled = fillState(fillSeed(this.seed, this.count++));
    if (filled.fs !== input.fs || filled.eflags !== input.eflags) throw new Error('the state is not of this seed');
    columns.codeLength.push(input.code.length);
    columns.code.push(...input.code);
    columns.definedFlags.push(flags);
    this.patches('Before', filled, input);
    this.patches('After', input, output);
    columns.flagsChanged.push(input.eflags ^ output.eflags);
    columns.ip.push(output.eip - ORACLE.start - input.code.length);
    columns.vector.push(output.vector);
    if (output.vector === 13 || output.vector === 14) columns.error.push(output.error);
    if (output.vector === 14) columns.address.push(output.address);
  }

  private patches(when: 'Before' | 'After', from: State, to: State): void {
    const { columns } = this;
    let mask = 0;
    to.registers.forEach((value, n) => {
      if (value === from.registers[n]) return;
      mask |= 1 << n;
      columns[`registerValues${when}`].push(value);
    });
    columns[`registers${when}`].push(mask);
    const before = windows(from);
    const after = windows(to);
    let runs = 0;
    for (let start = 0; start < after.length; start++) {
      let end = start;
      while (end < after.length && after[end] !== before[end] && end - start < 255) end++;
      if (end === start) continue;
      runs++;
      columns[`runPlaces${when}`].push(start, end - start);
      columns[`runBytes${when}`].push(...after.subarray(start, end));
      start = end - 1;
    }
    columns[`runs${when}`].push(runs);
  }

  toBytes(): Buffer {
    const { es, cs, ss, ds, fs, gs } = this.selectors;
    this.columns.header.push(this.count, this.seed, es, cs, ss, ds, ...fs, gs);
    const content = Buffer.concat(NAMES.map((name) => this.columns[name].toBytes()));
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    return Buffer.concat([Buffer.from(MAGIC), Buffer.from([VERSION]), brotliCompressSync(content, { params })]);
  }
}

type State = Pick<OracleInput, 'registers' | 'data' | 'stack'>;

const windows = ({ data, stack }: State): Uint8Array => Buffer.concat([data, stack]);

/** Reads a file of the corpus. Throws an error that says what is wrong with it. */
export function readCorpus(file: Uint8Array): Corpus {
  const magic = Buffer.from(file.subarray(0, 4)).toString('latin1');
  if (magic !== MAGIC || file[4] !== VERSION) throw new Error(`no corpus of version ${VERSION}`);
  let rest: Uint8Array = brotliDecompressSync(file.subarray(5));
  const columns = Object.fromEntries(
    NAMES.map((name) => {
      const column = new ColumnReader(rest, COLUMNS[name]);
      rest = rest.subarray(column.size);
      return [name, column];
    }),
  ) as Record<ColumnName, ColumnReader>;
  const word = (): number => columns.header.next();
  const [count, seed] = [word(), word()];
  const selectors = { es: word(), cs: word(), ss: word(), ds: word(), fs: [word(), word()], gs: word() } as const;
  return { seed, selectors, count, vectors: readVectors(columns, seed, count) };
}

function* readVectors(columns: Record<ColumnName, ColumnReader>, seed: number, count: number): Generator<Vector> {
  for (let index = 0; index < count; index++) {
    const filled = fillState(fillSeed(seed, index));
    const code = bytesOf(columns.code, columns.codeLength.next());
    const flags = columns.definedFlags.next();
    const before = patched(columns, 'Before', filled);
    const after = patched(columns, 'After', before);
    const eflags = (filled.eflags ^ columns.flagsChanged.next()) >>> 0;
    const eip = (columns.ip.next() + ORACLE.start + code.length) >>> 0;
    const vector = columns.vector.next();
    const error = vector === 13 || vector === 14 ? columns.error.next() : 0;
    const address = vector === 14 ? columns.address.next() : 0;
    yield {
      input: { ...before, code, eflags: filled.eflags, fs: filled.fs },
      output: { ...after, eflags, eip, vector, error, address },
      flags,
    };
  }
}

const bytesOf = (column: ColumnReader, length: number): Uint8Array => Uint8Array.from({ length }, () => column.next());

function patched(columns: Record<ColumnName, ColumnReader>, when: 'Before' | 'After', state: State): State {
  const mask = columns[`registers${when}`].next();
  const values = columns[`registerValues${when}`];
  const registers = state.registers.map((value, n) => ((mask & (1 << n)) !== 0 ? values.next() : value));
  const memory = windows(state);
  for (let runs = columns[`runs${when}`].next(); runs > 0; runs--) {
    const [start, length] = [columns[`runPlaces${when}`].next(), columns[`runPlaces${when}`].next()];
    memory.set(bytesOf(columns[`runBytes${when}`], length), start);
  }
  return { registers, data: memory.subarray(0, ORACLE.window), stack: memory.subarray(ORACLE.window) };
}
