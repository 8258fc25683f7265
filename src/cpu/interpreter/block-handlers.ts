import type { CodeBlock } from '../code-cache.ts';
import type { InstructionForm } from '../instruction-form.ts';
import * as L from '../layout.ts';
import { fuses } from './fusion.ts';
import { FIXED_HANDLER } from './handler-module.ts';
import { runsOf, type HandlerRun } from './handler-run.ts';
import type { HandlerTable } from './handler-table.ts';
import type { MicroOpArena } from './micro-op-arena.ts';

const SIZE = L.MICRO_OP.size;

/** Table indexes of the handlers of a form. */
interface FormHandlers {
  readonly alone: number;
  /** For accesses that miss the TLBs; 0 where there are none. */
  readonly onMiss: number;
  /** With the form that follows; undefined for one that it is not fused with. */
  readonly pairs: Map<InstructionForm, number | undefined>;
}

/** Gives the micro-ops of blocks their handlers. */
export class BlockHandlers {
  private readonly table: HandlerTable;
  private readonly arena: MicroOpArena;
  private readonly known = new Map<InstructionForm, FormHandlers>();

  constructor(table: HandlerTable, arena: MicroOpArena) {
    this.table = table;
    this.arena = arena;
  }

  /** The handler of an instruction alone. */
  alone(form: InstructionForm): number {
    return this.of(form).alone;
  }

  /** Writes the handlers of a block's micro-ops; `stops` says which instructions have a breakpoint. */
  write({ instructions, microOp, leavesSegment }: CodeBlock, stops: readonly boolean[]): void {
    const forms = instructions.map((instruction) => instruction.form);
    this.learn(forms);
    const last = forms.length - 1;
    // What may be the second half of a pair: a jump at the end finds its comparison first.
    let next: InstructionForm | undefined;
    for (let n = last; n >= 0; n--) {
      const form = forms[n];
      if (form === undefined) continue;
      const { alone, onMiss, pairs } = this.of(form);
      const pair = next === undefined ? undefined : pairs.get(next);
      let handler = pair ?? alone;
      next = pair === undefined ? form : undefined;
      if (leavesSegment && n === last) handler = FIXED_HANDLER.bail;
      if (stops[n] === true) handler = FIXED_HANDLER.breakpoint;
      if (handler === FIXED_HANDLER.bail || handler === FIXED_HANDLER.breakpoint) next = undefined;
      this.arena.setHandler(microOp + n * SIZE, handler);
      this.arena.setOnMiss(microOp + n * SIZE, onMiss);
    }
  }

  private of(form: InstructionForm): FormHandlers {
    const known = this.known.get(form);
    if (known !== undefined) return known;
    this.learn([form]);
    return this.of(form);
  }

  /** Finds or makes what forms that follow each other need. */
  private learn(forms: readonly InstructionForm[]): void {
    const runs: HandlerRun[] = [];
    const unknown = new Set<InstructionForm>();
    const pairs: { readonly first: InstructionForm; readonly second: InstructionForm; readonly run?: HandlerRun }[] =
      [];
    forms.forEach((form, n) => {
      if (!this.known.has(form)) unknown.add(form);
      const second = forms[n + 1];
      if (second === undefined || this.known.get(form)?.pairs.has(second) === true) return;
      const run = fuses(form, second) ? { forms: [form, second], completesMisses: false } : undefined;
      pairs.push({ first: form, second, run });
      if (run !== undefined) runs.push(run);
    });
    for (const form of unknown) if (!form.slow) runs.push(...runsOf(form));
    this.table.require(runs);
    for (const form of unknown) this.known.set(form, this.handlersOf(form));
    for (const { first, second, run } of pairs) {
      this.known.get(first)?.pairs.set(second, run === undefined ? undefined : this.table.indexOf(run));
    }
  }

  private handlersOf(form: InstructionForm): FormHandlers {
    const pairs = new Map<InstructionForm, number | undefined>();
    if (form.slow) return { alone: FIXED_HANDLER.bail, onMiss: 0, pairs };
    const [alone = 0, onMiss = 0] = runsOf(form).map((run) => this.table.indexOf(run));
    return { alone, onMiss, pairs };
  }
}
