/** Who may follow whom before it becomes a double fault (SDM 3, table 6-4). */
export type ExceptionClass = 'benign' | 'contributory' | 'page-fault' | 'double-fault';

/** One of the vectors 0..31 (SDM 3, table 6-1). */
export interface ExceptionFact {
  readonly vector: number;
  /** `#GP`; reserved vectors have none and use `#22`. */
  readonly mnemonic: string;
  readonly name: string;
  readonly hasErrorCode: boolean;
  readonly class: ExceptionClass;
  /** `fault`: returns to the instruction; `trap`: to the one after it; `abort`: nowhere. #DB is both of the first. */
  readonly kind: 'fault' | 'trap' | 'fault or trap' | 'abort' | 'interrupt' | 'reserved';
}

/** Vector numbers by mnemonic. */
export const VECTOR = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  MC: 18,
  XM: 19,
  VE: 20,
  CP: 21,
} as const;

type Row = readonly [string, string, boolean, ExceptionClass, ExceptionFact['kind']];

const ROWS: Readonly<Record<number, Row>> = {
  0: ['#DE', 'divide error', false, 'contributory', 'fault'],
  1: ['#DB', 'debug', false, 'benign', 'fault or trap'],
  2: ['NMI', 'non-maskable interrupt', false, 'benign', 'interrupt'],
  3: ['#BP', 'breakpoint', false, 'benign', 'trap'],
  4: ['#OF', 'overflow', false, 'benign', 'trap'],
  5: ['#BR', 'BOUND range exceeded', false, 'benign', 'fault'],
  6: ['#UD', 'invalid opcode', false, 'benign', 'fault'],
  7: ['#NM', 'device not available', false, 'benign', 'fault'],
  8: ['#DF', 'double fault', true, 'double-fault', 'abort'],
  9: ['#MP', 'coprocessor segment overrun', false, 'benign', 'fault'],
  10: ['#TS', 'TSS', true, 'contributory', 'fault'],
  11: ['#NP', 'segment not present', true, 'contributory', 'fault'],
  12: ['#SS', 'stack segment', true, 'contributory', 'fault'],
  13: ['#GP', 'general protection', true, 'contributory', 'fault'],
  14: ['#PF', 'page fault', true, 'page-fault', 'fault'],
  16: ['#MF', 'x87 floating-point error', false, 'benign', 'fault'],
  17: ['#AC', 'alignment check', true, 'benign', 'fault'],
  18: ['#MC', 'machine check', false, 'benign', 'abort'],
  19: ['#XM', 'SIMD floating-point error', false, 'benign', 'fault'],
  20: ['#VE', 'virtualization', false, 'page-fault', 'fault'],
  21: ['#CP', 'control protection', true, 'contributory', 'fault'],
};

/** The vectors 0..31 in order. */
export const EXCEPTIONS: readonly ExceptionFact[] = Array.from({ length: 32 }, (_, vector) => {
  const row: Row = ROWS[vector] ?? [`#${vector}`, 'reserved', false, 'benign', 'reserved'];
  const [mnemonic, name, hasErrorCode, category, kind] = row;
  return { vector, mnemonic, name, hasErrorCode, class: category, kind };
});

/** Facts of one vector; undefined past 31, where interrupts of devices and programs live. */
export function exceptionFact(vector: number): ExceptionFact | undefined {
  return EXCEPTIONS[vector];
}

/** `#UD`, `#DF(0)`, `#GP(0x33)`; `vector 32` past the exceptions. */
export function formatException(vector: number, errorCode?: number): string {
  const name = EXCEPTIONS[vector]?.mnemonic ?? `vector ${vector}`;
  if (errorCode === undefined) return name;
  return `${name}(${errorCode === 0 ? '0' : `0x${errorCode.toString(16)}`})`;
}

/** What a fault raised while the CPU delivers another one becomes (SDM 3, table 6-5). */
export function combineExceptions(first: number, second: number): 'serial' | 'double-fault' | 'shutdown' {
  const before = EXCEPTIONS[first]?.class ?? 'benign';
  const after = EXCEPTIONS[second]?.class ?? 'benign';
  if (before === 'double-fault') return 'shutdown';
  if (before === 'contributory') return after === 'contributory' ? 'double-fault' : 'serial';
  if (before === 'page-fault') return after === 'contributory' || after === 'page-fault' ? 'double-fault' : 'serial';
  return 'serial';
}
