import type { Value } from '../../isa/value.ts';
import { I32 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { MemoryLowering } from './memory-lowering.ts';

/** Keeps the shadow call stack (see `shadow-stack.ts`) at CALL and RET. */
export abstract class ShadowStackLowering extends MemoryLowering {
  private shadowEntry(push: () => void): void {
    push();
    this.code.i32(L.SHADOW_ENTRIES - 1);
    this.code.numeric('and');
    this.code.i32(Math.log2(L.SHADOW_ENTRY_SIZE));
    this.code.numeric('shl');
  }
  protected shadowEnter(returnAddress: Value, stackOffset: Value): void {
    const { code } = this;
    const entry = code.temporary(I32);
    this.shadowEntry(() => this.word(L.SHADOW_DEPTH, 32));
    code.set(entry);
    const words: readonly (() => void)[] = [
      () => this.emit(returnAddress),
      () => this.emit(stackOffset),
      () => code.i32(0),
    ];
    words.forEach((push, n) => {
      code.get(entry);
      push();
      code.store(32, L.SHADOW_STACK + n * 4);
    });
    this.setWord(L.SHADOW_DEPTH, () => {
      this.word(L.SHADOW_DEPTH, 32);
      code.i32(1);
      code.numeric('add');
    });
  }
  protected shadowLeave(stackOffset: Value): void {
    const { code } = this;
    const depth = code.temporary(I32);
    code.i32(0);
    this.word(L.SHADOW_DEPTH, 32);
    code.tee(depth);
    this.shadowEntry(() => {
      code.get(depth);
      code.i32(1);
      code.numeric('sub');
    });
    code.load(32, L.SHADOW_STACK + 4);
    this.emit(stackOffset);
    code.numeric('eq');
    code.get(depth);
    code.i32(0);
    code.numeric('ne');
    code.numeric('and');
    code.numeric('sub');
    code.store(32, L.SHADOW_DEPTH);
  }
}
