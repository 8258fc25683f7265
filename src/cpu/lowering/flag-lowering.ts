import { conditionOf, flagKindCode, flagOf } from '../../isa/flags.ts';
import type { FlagName } from '../../isa/value.ts';
import { I32 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { FLAG_IMAGE, FUNCTION } from './functions.ts';
import { ValueLowering, type FlagPart } from './value-lowering.ts';

/** Places of the lazy flag record in memory. */
const FLAG_PLACE: Readonly<Record<FlagPart, number>> = {
  kind: L.FLAG_KIND,
  a: L.FLAG_A,
  b: L.FLAG_B,
  result: L.FLAG_RESULT,
};

/** Even condition code that tests each flag by itself. */
const FLAG_CONDITION = { o: 0, c: 2, z: 4, s: 8, p: 10 } as const;

/** Flags out of the lazy record, which is in memory unless an engine keeps it elsewhere. */
export abstract class FlagLowering extends ValueLowering {
  protected flag(flag: FlagName): void {
    const { code } = this;
    if (flag === 'd') {
      this.word(L.EFLAGS, 32);
      code.i32(10);
      code.numeric('shr');
      return this.maskBit();
    }
    if (this.known !== undefined) return this.emit(flagOf(flag, this.known.kind, this.known.width));
    if (flag !== 'a') return this.unknownCondition(FLAG_CONDITION[flag]);
    this.callFlagFunction(FLAG_IMAGE);
    code.i32(4);
    code.numeric('shr');
    this.maskBit();
  }

  /** A condition when the kind of record is only known at run time: the common kinds inline, the others by a call. */
  protected unknownCondition(condition: number): void {
    const { code } = this;
    const pair = condition >> 1;
    const call = (): void => this.callFlagFunction(pair);
    if (pair === 2) {
      this.readFlagPart('kind', 32);
      code.i32(flagKindCode('image', 8));
      code.numeric('ltu');
      code.if(I32);
      this.readFlagPart('result', 32);
      code.numeric('eqz');
      code.else();
      call();
      code.end();
    } else if (pair === 3 || pair === 6 || pair === 7) {
      this.readFlagPart('kind', 32);
      code.i32(flagKindCode('sub', 32));
      code.numeric('eq');
      code.if(I32);
      this.emit(conditionOf(condition & ~1, 'sub', 32));
      code.else();
      call();
      code.end();
    } else if (pair === 1) this.unknownCarry(call);
    else call();
    if ((condition & 1) !== 0) code.numeric('eqz');
  }

  /** INC and DEC need the old carry at every block head; add, sub, logic, inc and dec are worked out without a call. */
  private unknownCarry(call: () => void): void {
    const { code } = this;
    const kind = (): void => this.readFlagPart('kind', 32);
    const below = (left: FlagPart, right: FlagPart): void => {
      this.readFlagPart(left, 32);
      this.readFlagPart(right, 32);
      code.numeric('ltu');
    };
    kind();
    code.i32(flagKindCode('adc', 8));
    code.numeric('ltu');
    code.if(I32);
    below('result', 'a');
    kind();
    code.i32(flagKindCode('sub', 8));
    code.numeric('ltu');
    code.numeric('and');
    below('a', 'b');
    kind();
    code.i32(-4);
    code.numeric('and');
    code.i32(flagKindCode('sub', 8));
    code.numeric('eq');
    code.numeric('and');
    code.numeric('or');
    this.readFlagPart('b', 32);
    kind();
    code.i32(flagKindCode('inc', 8));
    code.numeric('ltu');
    code.numeric('eqz');
    code.numeric('and');
    code.numeric('or');
    code.else();
    call();
    code.end();
  }

  // The lazy flag record: in memory, unless an engine keeps it elsewhere.

  protected readFlagPart(part: FlagPart, bits: 32 | 64): void {
    this.word(FLAG_PLACE[part], bits);
  }
  /** Stores what `push` leaves on the stack. */
  protected writeFlagPart(part: FlagPart, push: () => void, bits: 32 | 64): void {
    this.code.i32(0);
    push();
    this.code.store(bits, FLAG_PLACE[part]);
  }
  /** Calls the function of a pair of conditions, or of the image, which reads the record in memory. */
  protected callFlagFunction(number: number): void {
    this.code.call(FUNCTION.flags + number);
  }
}
