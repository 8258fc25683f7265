import { flagKindCode, STATUS_FLAGS, type FlagKind } from '../../isa/flags.ts';
import type { Check, Commit, Control, Instruction, PassesAhead } from '../../isa/instruction.ts';
import type { RegisterRef, Value, Width } from '../../isa/value.ts';
import { internalError } from '../../util/errors.ts';
import * as L from '../layout.ts';
import type { FlagPart } from './value-lowering.ts';
import { ShadowStackLowering } from './shadow-stack-lowering.ts';

export type FlagsCommit = Extract<Commit, { readonly kind: 'flags' }>;
/** Kinds of flag record whose flags do not depend on the first operand (see `flagOf`). */
export const UNUSED_FIRST: ReadonlySet<FlagKind> = new Set(['logic', 'inc', 'dec']);

/**
 * Lowers recorded instructions: the checks, then the store, then what cannot fail, then control. It never raises a fault: where an
 * instruction cannot complete it bails with the state as before it, and the evaluator runs that one.
 */
export abstract class InstructionLowering extends ShadowStackLowering {
  protected abstract writeRegister(register: RegisterRef, value: Value): void;
  /** Goes to an offset in CS. */
  protected abstract jump(to: Value): void;
  /** Goes on with the next instruction; `last` in this function's run. */
  protected abstract fallThrough(last: boolean): void;

  /** Makes passes of a repeated instruction at once, as far as the budget and the page allow. */
  protected abstract makePasses(passes: PassesAhead): void;

  // For an engine that keeps the flag record elsewhere for a while.

  /** All of the flag record is about to be replaced. */
  protected replaceFlags(): void {}
  /** The flag record must be in memory from here on. */
  protected settleFlags(): void {}
  /** Here the record was replaced, or not: from here on memory alone knows it. */
  protected forgetFlags(): void {}

  protected instruction(instruction: Instruction<Width>, last: boolean): void {
    const { checks, commits, control } = instruction;
    this.beginMemory();
    this.beginInstruction(rootsOf(instruction));
    for (const check of checks) this.check(check, instruction.binding.next());
    // The store first, as it may not complete; then nothing can fail, and what the other writes need is computed before the first.
    for (const commit of commits) if (commit.kind === 'store') this.store(commit);
    const rest = commits.filter((commit) => commit.kind !== 'store');
    const late = controlRoots(control).filter((value) => value.node.kind !== 'field');
    // A single write happens after its value is computed anyway.
    const alone = rest.length === 1 && rest[0]?.kind === 'register' && late.length === 0;
    if (rest.length > 0 && !alone) for (const value of [...rest.flatMap(commitRoots), ...late]) this.pin(value);
    this.commit(rest, false);
    if (last) this.settleFlags();
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
      case 'passes':
        return this.makePasses(check);
      case 'done-if':
        this.settleFlags();
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
          this.replaceFlags();
          this.setFlags(commit);
          this.setFlagKind(commit.flags, commit.width);
          this.known = conditional ? undefined : { kind: commit.flags, width: commit.width };
          if (conditional) this.forgetFlags();
          break;
        case 'eflags':
          this.replaceFlags();
          this.writeFlagPart('a', () => this.masked(commit.value, STATUS_FLAGS), 32);
          this.setFlagKind('image', 32);
          this.setWord(L.EFLAGS, () => this.masked(commit.value, ~STATUS_FLAGS));
          this.known = conditional ? undefined : { kind: 'image', width: 32 };
          if (conditional) this.forgetFlags();
          break;
        case 'when':
          this.settleFlags();
          this.emit(commit.condition);
          code.if();
          this.commit(commit.body, true);
          code.end();
          break;
        case 'store':
          this.store(commit);
          break;
        case 'pass':
          this.setWord(L.REPEATING, () => this.emit(commit.again));
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

  private masked(value: Value, mask: number): void {
    this.emit(value);
    this.code.i32(mask);
    this.code.numeric('and');
  }
  /** Keeps the operands and the result that the flags follow from. */
  protected setFlags({ flags, a, b, result }: FlagsCommit): void {
    if (!UNUSED_FIRST.has(flags)) this.setFlagPart('a', a);
    if (b !== undefined) this.setFlagPart('b', b);
    this.setFlagPart('result', result);
  }
  protected setFlagPart(part: FlagPart, value: Value): void {
    this.writeFlagPart(part, () => this.emit(value), value.width === 64 ? 64 : 32);
  }
  protected setFlagKind(kind: FlagKind, width: Width): void {
    this.writeFlagPart('kind', () => this.code.i32(flagKindCode(kind, width)), 32);
  }
}

/** The values that an instruction computes. */
export function rootsOf({ checks, commits, control }: Instruction<Width>): Value[] {
  return [...checks.flatMap(checkRoots), ...commits.flatMap(commitRoots), ...controlRoots(control)];
}

function checkRoots(check: Check): Value[] {
  switch (check.kind) {
    case 'load':
      return check.value.node.kind === 'load' ? [check.value.node.offset] : [];
    case 'passes':
      return check.commits.flatMap(commitRoots);
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
    case 'pass':
      return [commit.again];
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
