import { flagKindCode, STATUS_FLAGS } from '../../isa/flags.ts';
import type { Check, Commit, Control, Instruction } from '../../isa/instruction.ts';
import type { Value, Width } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import { I32 } from '../../wasm/function-body.ts';
import * as L from '../layout.ts';
import { TYPE } from './functions.ts';
import { MemoryLowering, MICRO_OP } from './memory-lowering.ts';

const U = L.MICRO_OP;
/** Parameter of a handler: the instructions left to run. */
const BUDGET = 1;

/**
 * Lowers recorded instructions to interpreter handlers: `(micro-op, budget)`, chained by tail calls. A handler never raises a fault:
 * where the instruction cannot complete it leaves with the state as before it, and the evaluator runs that one.
 */
export class HandlerLowering extends MemoryLowering {
  /** A run of instructions, one micro-op each, that all but the last fall through. */
  instructions(run: readonly Instruction<Width>[]): void {
    run.forEach((instruction, n) => {
      this.offset = n * U.size;
      this.instruction(instruction, n === run.length - 1);
    });
    this.code.unreachable();
  }

  /** A handler that only leaves. */
  leaveOnly(reason: number): void {
    this.leave(reason, () => this.code.get(MICRO_OP));
    this.code.unreachable();
  }

  /** A handler that goes to its first link: the end of a block that no jump ends, and a block that was replaced. */
  followLink(): void {
    const target = this.code.temporary(I32);
    this.code.get(MICRO_OP);
    this.code.load(32, U.link0);
    this.code.set(target);
    this.go(target);
    this.code.unreachable();
  }

  private instruction(instruction: Instruction<Width>, last: boolean): void {
    const { checks, commits, control } = instruction;
    this.beginMemory();
    this.beginInstruction([...checks.flatMap(checkRoots), ...commits.flatMap(commitRoots), ...controlRoots(control)]);
    for (const check of checks) this.check(check, instruction.binding.next());
    // The store first, as it may not complete; then nothing can fail, and what the other writes need is computed before the first.
    for (const commit of commits) if (commit.kind === 'store') this.store(commit);
    const rest = commits.filter((commit) => commit.kind !== 'store');
    const late = controlRoots(control).filter((value) => value.node.kind !== 'field');
    if (rest.length > 0) for (const value of [...rest.flatMap(commitRoots), ...late]) this.pin(value);
    this.commit(rest, false);
    this.control(control, last);
    this.code.releaseTemporaries();
  }

  private check(check: Check, next: Value): void {
    switch (check.kind) {
      case 'load':
        return this.load(check.value);
      case 'raise':
        this.emit(check.when);
        this.code.if();
        this.bail();
        return this.code.end();
      case 'done-if':
        this.emit(check.condition);
        this.code.if();
        this.jump(next);
        return this.code.end();
    }
  }

  private commit(commits: readonly Commit[], conditional: boolean): void {
    const { code } = this;
    for (const commit of commits) {
      switch (commit.kind) {
        case 'register':
          this.writeRegister(commit.register, commit.value);
          break;
        case 'flags':
          if (commit.flags !== 'logic') this.setSlot(L.FLAG_A, commit.a);
          if (commit.b !== undefined) this.setSlot(L.FLAG_B, commit.b);
          this.setSlot(L.FLAG_RESULT, commit.result);
          this.setWord(L.FLAG_KIND, () => code.i32(flagKindCode(commit.flags, commit.width)));
          this.known = conditional ? undefined : { kind: commit.flags, width: commit.width };
          break;
        case 'eflags':
          this.setWord(L.FLAG_A, () => this.masked(commit.value, STATUS_FLAGS));
          this.setWord(L.FLAG_KIND, () => code.i32(flagKindCode('image', 32)));
          this.setWord(L.EFLAGS, () => this.masked(commit.value, ~STATUS_FLAGS));
          this.known = conditional ? undefined : { kind: 'image', width: 32 };
          break;
        case 'when':
          this.emit(commit.condition);
          code.if();
          this.commit(commit.body, true);
          code.end();
          break;
        case 'store':
          this.store(commit);
          break;
        case 'shadow-enter':
          this.shadowEnter(commit.returnAddress, commit.stackOffset);
          break;
        case 'shadow-leave':
          this.shadowLeave(commit.stackOffset);
      }
    }
  }

  private control(control: Control, last: boolean): void {
    switch (control.kind) {
      case 'next':
        return this.fallThrough(last);
      case 'jump':
        return this.jump(control.to);
      case 'branch':
        this.emit(control.condition);
        this.code.if();
        this.jump(control.to);
        this.code.end();
        return this.jump(control.otherwise);
      case 'transfer':
        throw internalError('a system transfer in generated code');
    }
  }

  // The shadow call stack

  private shadowEntry(push: () => void): void {
    push();
    this.code.i32(L.SHADOW_ENTRIES - 1);
    this.code.numeric('and');
    this.code.i32(Math.log2(L.SHADOW_ENTRY_SIZE));
    this.code.numeric('shl');
  }
  private shadowEnter(returnAddress: Value, stackOffset: Value): void {
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
  private shadowLeave(stackOffset: Value): void {
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

  // Leaving and chaining

  private pushHere(): void {
    this.code.get(MICRO_OP);
    if (this.offset === 0) return;
    this.code.i32(this.offset);
    this.code.numeric('add');
  }
  private leave(reason: number, microOp: () => void): void {
    const { code } = this;
    this.setWord(L.EXIT_MICRO_OP, microOp);
    this.setWord(L.EXIT_REASON, () => code.i32(reason));
    this.setWord(L.BUDGET, () => code.get(BUDGET));
    code.return();
  }
  protected bail(): void {
    this.leave(L.EXIT.bail, () => this.pushHere());
  }
  /** Pays for the whole target block, then goes there; a block is paid for by whoever jumps to it. */
  private go(target: number): void {
    const { code } = this;
    const left = code.temporary(I32);
    code.get(BUDGET);
    code.get(target);
    code.load(8, U.left);
    code.numeric('sub');
    code.tee(left);
    code.i32(0);
    code.numeric('lts');
    code.if();
    this.leave(L.EXIT.budget, () => code.get(target));
    code.end();
    code.get(target);
    code.get(left);
    code.get(target);
    code.load(32, U.handler);
    code.returnCallIndirect(TYPE.handler);
  }

  private jump(to: Value): void {
    const { code } = this;
    const target = code.temporary(I32);
    if (to.node.kind === 'field') {
      if (to.node.field === 'self') this.pushHere();
      else {
        code.get(MICRO_OP);
        code.load(32, this.offset + (to.node.field === 'target' ? U.link0 : U.link1));
      }
      code.set(target);
      return this.go(target);
    }
    const ip = code.temporary(I32);
    const entry = code.temporary(I32);
    this.emit(to);
    code.tee(ip);
    code.i32(L.JUMP_CACHE_ENTRIES - 1);
    code.numeric('and');
    code.i32(3);
    code.numeric('shl');
    code.tee(entry);
    code.load(32, L.JUMP_CACHE);
    code.get(ip);
    code.numeric('eq');
    code.if();
    code.get(entry);
    code.load(32, L.JUMP_CACHE + 4);
    code.set(target);
    this.go(target);
    code.end();
    this.setWord(L.IP, () => code.get(ip));
    this.leave(L.EXIT.indirect, () => code.i32(0));
  }

  private fallThrough(last: boolean): void {
    if (!last) return;
    const { code } = this;
    const next = this.offset + U.size;
    code.get(MICRO_OP);
    code.i32(next);
    code.numeric('add');
    code.get(BUDGET);
    code.get(MICRO_OP);
    code.load(32, next + U.handler);
    code.returnCallIndirect(TYPE.handler);
  }
}

function checkRoots(check: Check): Value[] {
  switch (check.kind) {
    case 'load':
      return check.value.node.kind === 'load' ? [check.value.node.offset] : [];
    case 'done-if':
      return [check.condition];
    case 'raise':
      return [check.when];
  }
}

function commitRoots(commit: Commit): Value[] {
  switch (commit.kind) {
    case 'store':
      return [commit.offset, commit.value];
    case 'register':
    case 'eflags':
      return [commit.value];
    case 'flags':
      return [
        ...(commit.flags === 'logic' ? [] : [commit.a]),
        ...(commit.b === undefined ? [] : [commit.b]),
        commit.result,
      ];
    case 'when':
      return [commit.condition, ...commit.body.flatMap(commitRoots)];
    case 'shadow-enter':
      return [commit.returnAddress, commit.stackOffset];
    case 'shadow-leave':
      return [commit.stackOffset];
  }
}

function controlRoots(control: Control): Value[] {
  switch (control.kind) {
    case 'jump':
      return [control.to];
    case 'branch':
      return [control.condition];
    default:
      return [];
  }
}
