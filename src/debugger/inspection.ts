import type { LoadPlan } from '../boot/protocol.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import { hex } from '../util/hex.ts';
import { evaluate } from './expression/evaluate.ts';
import type { ExpressionScope } from './expression/evaluate.ts';
import type { TypedValue } from './expression/types.ts';
import type { FaultSurroundings } from './fault-text.ts';
import type { Symbols } from './symbols.ts';
import type { Target } from './target.ts';

/** Everything that turns the stopped machine into text: the target, its names, and what was promised to the kernel. */
export class Inspection implements ExpressionScope {
  readonly target: Target;
  readonly symbols: Symbols;
  readonly plan: LoadPlan;
  /** True when registers without a promise hold a pattern. */
  readonly poison: boolean;
  /** The chain of the triple fault that ended the run; empty before. */
  fatal: readonly FaultRecord[] = [];

  constructor(parts: { target: Target; symbols: Symbols; plan: LoadPlan; poison: boolean }) {
    this.target = parts.target;
    this.symbols = parts.symbols;
    this.plan = parts.plan;
    this.poison = parts.poison;
  }

  /** The value of an expression now. Throws StartOfDayError with what is wrong. */
  evaluate(source: string): TypedValue {
    return evaluate(source, this);
  }

  /** The value of an expression over symbols and numbers alone: where to put a breakpoint. */
  evaluateAddress(source: string): TypedValue {
    return evaluate(source, {
      register: () => undefined,
      symbol: (name) => this.symbol(name),
      read: (address, bytes) => this.read(address, bytes),
      registerNames: () => [],
      symbolNames: () => this.symbolNames(),
    });
  }

  register(name: string): { readonly value: bigint; readonly bits: number } | undefined {
    return this.target.register(name);
  }
  symbol(name: string): bigint | undefined {
    return this.symbols.addressOf(name);
  }
  read(address: bigint, bytes: number): Uint8Array {
    return this.target.read('linear', address, bytes);
  }
  /** {@link read} of what is linked at an address: before paging a kernel lies at its physical addresses. */
  readLinked(address: bigint, bytes: number): Uint8Array {
    if (this.target.paging) return this.read(address, bytes);
    return this.target.read('physical', BigInt.asUintN(32, address - BigInt(this.plan.physicalBias)), bytes);
  }
  registerNames(): Iterable<string> {
    return this.target.registerNames();
  }
  symbolNames(): Iterable<string> {
    return this.symbols.names();
  }

  /** The value of a 32-bit register, 0 when there is none. */
  number(name: string): number {
    return Number(this.target.register(name)?.value ?? 0n);
  }

  /** `symbol` or `symbol+0x12` of a linear address. */
  nameOf(address: bigint): string | undefined {
    return this.symbols.nameOf(address, this.target.paging);
  }

  /** {@link nameOf} of an offset in the code segment. */
  nameOfCode(offset: number): string | undefined {
    return this.nameOf(this.codeAddress(offset));
  }

  /** The linear address of an offset in the code segment. */
  codeAddress(offset: number): bigint {
    return BigInt.asUintN(32, BigInt(this.target.segment('cs').base) + BigInt(offset));
  }

  /** What the explanation of a fault needs to know of the machine. */
  faultSurroundings(): FaultSurroundings {
    const { idtr } = this.plan.state;
    const [base, limit] = [this.number('idtr.base'), this.number('idtr.limit')];
    return {
      nameOf: (offset) => this.nameOfCode(offset),
      idtLimit: limit,
      stackTop: (this.target.segment('ss').base + this.number('esp')) >>> 0,
      idtUntouched: base === idtr.base >>> 0 && limit === idtr.limit,
    };
  }

  /** `0x00100010 <_start+0x4>`. */
  address(linear: bigint): string {
    const name = this.nameOf(linear);
    return `${hex(linear, 8)}${name === undefined ? '' : ` <${name}>`}`;
  }
}
