import { describe, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value } from './value.ts';

/** CR0 bits: monitor coprocessor, emulation, task switched. */
const CR0_MP = 2;
const CR0_EM = 4;
const CR0_TS = 8;
const DEVICE_NOT_AVAILABLE = 7;
const INVALID_OPCODE = 6;

/** Formats of memory operands by iced-x86's names, as numbers for the system operations (`FORMATS` in `src/cpu/system/x87-transfer.ts`). */
const X87_FORMAT = { m32fp: 0, m64fp: 1, m80fp: 2, m16int: 3, m32int: 4, m64int: 5, m80bcd: 6 } as const;
type FormatName = keyof typeof X87_FORMAT;

type X87Instruction = Instruction<OperandSize>;
type Operands = (i: X87Instruction) => readonly Value[];

const number = (value: number): Value => constant(8, value);
const flag = (value: boolean): Value => number(value ? 1 : 0);
const memory: Operands = (i) => [i.segmentNumber(), i.binding.address()];
const nothing: Operands = () => [];

/** #NM while CR0.EM or CR0.TS is set (SDM 3, table 2-2). */
function requireCoprocessor(i: X87Instruction): void {
  const cr0 = i.state('cr0');
  i.raise(cr0.and(CR0_EM).ne(0), DEVICE_NOT_AVAILABLE, undefined, 'an x87 instruction while CR0.EM is 1', { cr0 });
  i.raise(cr0.and(CR0_TS).ne(0), DEVICE_NOT_AVAILABLE, undefined, 'an x87 instruction while CR0.TS is 1', { cr0 });
}

/** An instruction that is one system operation; those look for a pending exception first where the instruction is a waiting one. */
function x87(names: string, operation: string, operands: Operands = nothing): Description {
  return describe(names, (i) => {
    requireCoprocessor(i);
    i.host(operation, ...operands(i));
  });
}

/** One with a memory operand: the format comes first, `more` last. */
function withMemory(mnemonic: string, format: FormatName, operation: string, ...more: readonly Value[]): Description {
  return x87(`${mnemonic}_${format}`, operation, (i) => [number(X87_FORMAT[format]), ...memory(i), ...more]);
}

const FLOAT_FORMATS = ['m32fp', 'm64fp'] as const;
const INTEGER_FORMATS = ['m16int', 'm32int'] as const;

/** FADD, FADDP and FIADD, and so on: two registers as iced-x86 orders them, the first is the destination. */
function arithmetic(name: string): Description[] {
  const registers = (pop: boolean): Operands => {
    return (i) => [i.binding.vector(0), i.binding.vector(1), flag(pop)];
  };
  return [
    x87(`F${name}`, `x87-${name}`, registers(false)),
    x87(`F${name}p`, `x87-${name}`, registers(true)),
    ...FLOAT_FORMATS.map((format) => withMemory(`F${name}`, format, `x87-${name}-memory`)),
    ...INTEGER_FORMATS.map((format) => withMemory(`Fi${name}`, format, `x87-${name}-memory`)),
  ];
}

/** FCOM and its relatives with a register; `source` is a number for those without operands. */
function comparison(mnemonic: string, signaling: boolean, pops: number, source?: number): Description {
  return x87(mnemonic, 'x87-compare', (i) => [
    source === undefined ? i.binding.vector(1) : number(source),
    flag(signaling),
    number(pops),
  ]);
}

function comparisonWithMemory(suffix: string, pops: number): Description[] {
  return [
    ...FLOAT_FORMATS.map((format) => withMemory(`Fcom${suffix}`, format, 'x87-compare-memory', number(pops))),
    ...INTEGER_FORMATS.map((format) => withMemory(`Ficom${suffix}`, format, 'x87-compare-memory', number(pops))),
  ];
}

function comparisonToFlags(mnemonic: string, signaling: boolean, pop: boolean): Description {
  return x87(mnemonic, 'x87-compare-flags', (i) => [i.binding.vector(1), flag(signaling), flag(pop)]);
}

/** FCMOVcc by the condition's number in JCC's encoding. */
function conditionalMove(mnemonic: string, condition: number): Description {
  return x87(mnemonic, 'x87-conditional-move', (i) => [i.binding.vector(1), i.condition(condition).zeroExtend(8)]);
}

/** FLDENV and the like in both operand sizes. */
function environment(mnemonic: string, operation: string, narrow: number, wide: number): Description[] {
  const sized = (bytes: number, isWide: boolean): Description =>
    x87(`${mnemonic}_m${bytes}byte`, operation, (i) => [flag(isWide), ...memory(i)]);
  return [sized(narrow, false), sized(wide, true)];
}

const loads = (mnemonic: string, formats: readonly FormatName[]): Description[] =>
  formats.map((format) => withMemory(mnemonic, format, 'x87-load'));
const stores = (mnemonic: string, formats: readonly FormatName[], pop: boolean): Description[] =>
  formats.map((format) => withMemory(mnemonic, format, 'x87-store', flag(pop)));

/** In opcode order from D9 E8. */
const CONSTANTS = ['Fld1', 'Fldl2t', 'Fldl2e', 'Fldpi', 'Fldlg2', 'Fldln2', 'Fldz'] as const;

/** The x87 unit of the Pentium Pro, undocumented aliases included (SDM 1, chapter 8; opcodes: SDM 2, appendix B.17). */
export const X87: readonly Description[] = [
  ...['add', 'mul', 'sub', 'subr', 'div', 'divr'].flatMap(arithmetic),
  ...loads('Fld', ['m32fp', 'm64fp', 'm80fp']),
  ...loads('Fild', ['m16int', 'm32int', 'm64int']),
  ...loads('Fbld', ['m80bcd']),
  ...stores('Fst', ['m32fp', 'm64fp'], false),
  ...stores('Fstp', ['m32fp', 'm64fp', 'm80fp'], true),
  ...stores('Fist', ['m16int', 'm32int'], false),
  ...stores('Fistp', ['m16int', 'm32int', 'm64int'], true),
  ...stores('Fbstp', ['m80bcd'], true),
  x87('Fld', 'x87-load-register', (i) => [i.binding.vector(0)]),
  x87('Fst', 'x87-store-register', (i) => [i.binding.vector(0), flag(false)]),
  x87('Fstp', 'x87-store-register', (i) => [i.binding.vector(0), flag(true)]),
  x87('Fstpnce', 'x87-store-register-unchecked', (i) => [i.binding.vector(0)]),
  x87('Fxch', 'x87-exchange', (i) => [i.binding.vector(1)]),
  ...CONSTANTS.map((mnemonic, n) => x87(mnemonic, 'x87-load-constant', () => [number(n)])),

  comparison('Fcom', true, 0),
  comparison('Fcomp', true, 1),
  comparison('Fcompp', true, 2, 1),
  comparison('Fucom', false, 0),
  comparison('Fucomp', false, 1),
  comparison('Fucompp', false, 2, 1),
  ...comparisonWithMemory('', 0),
  ...comparisonWithMemory('p', 1),
  comparisonToFlags('Fcomi', true, false),
  comparisonToFlags('Fcomip', true, true),
  comparisonToFlags('Fucomi', false, false),
  comparisonToFlags('Fucomip', false, true),
  x87('Ftst', 'x87-test'),
  x87('Fxam', 'x87-examine'),

  ...[
    ['b', 2],
    ['e', 4],
    ['be', 6],
    ['u', 10],
  ].flatMap(([name = '', condition = 0]) => [
    conditionalMove(`Fcmov${name}`, Number(condition)),
    conditionalMove(`Fcmovn${name}`, Number(condition) + 1),
  ]),

  ...[
    ...['chs', 'abs', 'sqrt', 'rndint', 'scale', 'prem', 'prem1', 'xtract'],
    ...['2xm1', 'yl2x', 'yl2xp1', 'ptan', 'patan', 'sin', 'cos', 'sincos'],
  ].map((name) => x87(`F${name}`, `x87-${name}`)),

  x87('Ffree', 'x87-free', (i) => [i.binding.vector(0), flag(false)]),
  x87('Ffreep', 'x87-free', (i) => [i.binding.vector(0), flag(true)]),
  x87('Fincstp', 'x87-rotate', () => [number(1)]),
  x87('Fdecstp', 'x87-rotate', () => [number(7)]),
  x87('Fnop', 'x87-wait'),
  x87('Fneni Fndisi Fnsetpm', 'x87-nothing'),
  x87('Fninit', 'x87-initialise'),
  x87('Fnclex', 'x87-clear-exceptions'),
  x87('Fldcw_m2byte', 'x87-load-control', memory),
  x87('Fnstcw_m2byte', 'x87-store-control', memory),
  x87('Fnstsw_m2byte', 'x87-store-status', memory),
  x87('Fnstsw_AX', 'x87-status-to-ax'),
  ...environment('Fldenv', 'x87-load-environment', 14, 28),
  ...environment('Fnstenv', 'x87-store-environment', 14, 28),
  ...environment('Frstor', 'x87-restore', 94, 108),
  ...environment('Fnsave', 'x87-save', 94, 108),
  describe('Wait', (i) => {
    const cr0 = i.state('cr0');
    const both = CR0_MP | CR0_TS;
    i.raise(cr0.and(both).eq(both), DEVICE_NOT_AVAILABLE, undefined, 'WAIT while CR0.MP and CR0.TS are 1', { cr0 });
    i.host('x87-wait');
  }),
  describe('Fisttp', (i) => {
    i.raise(constant(1, 1), INVALID_OPCODE, undefined, 'FISTTP belongs to SSE3, which this CPU does not have');
  }),
];
