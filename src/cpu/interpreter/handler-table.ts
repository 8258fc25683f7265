import { internalError } from '../../util/errors.ts';
import type { SlowMemory } from '../mmu.ts';
import { baseModule, FIRST_FORM_HANDLER, formModule, RUNS_SECTION } from './handler-module.ts';
import { runKey, type HandlerRun } from './handler-run.ts';

const TABLE_SIZE = 65536;
/** Table indexes from here on are regions. */
export const FIRST_REGION = 16384;

/** The interpreter's handlers: made when a form is first met, a module for each batch, all in one table. */
export class HandlerTable {
  /** The status flags of the lazy record, as an EFLAGS word. */
  readonly statusFlags: () => number;
  /** Enters the chain at a micro-op's address with a budget. */
  readonly start: (microOp: number, budget: number) => void;

  private readonly table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_SIZE });
  private readonly imports: Record<string, WebAssembly.ImportValue>;
  private readonly indexes = new Map<string, number>();
  private next = FIRST_FORM_HANDLER;
  private nextRegion = FIRST_REGION;
  private freeRegions: number[] = [];

  constructor(memory: WebAssembly.Memory, slow: SlowMemory, prebuilt: WebAssembly.Module | undefined) {
    this.imports = { memory, table: this.table, ...slow };
    const base = prebuilt ?? new WebAssembly.Module(baseModule([], []));
    const exports = this.instantiate(base);
    for (const key of prebuiltRuns(base)) this.indexes.set(key, this.next++);
    this.imports = { ...this.imports, ...(exports as Record<string, WebAssembly.ImportValue>) };
    this.statusFlags = exports['flagImage'] as () => number;
    this.start = exports['start'] as (microOp: number, budget: number) => void;
  }

  /** Makes the handlers of the runs that have none. */
  require(runs: readonly HandlerRun[]): void {
    const missing = new Map(runs.map((run) => [runKey(run), run] as const).filter(([key]) => !this.indexes.has(key)));
    if (missing.size === 0) return;
    if (this.next + missing.size > FIRST_REGION) throw internalError('the handler table is full');
    this.instantiate(new WebAssembly.Module(formModule([...missing.values()], this.next)));
    for (const key of missing.keys()) this.indexes.set(key, this.next++);
  }

  /** Table index of a handler that {@link require} made. */
  indexOf(run: HandlerRun): number {
    const key = runKey(run);
    const index = this.indexes.get(key);
    if (index === undefined) throw internalError(`no handler for ${key}`);
    return index;
  }

  /** A table index for a region; undefined when there is none left. */
  reserveRegion(): number | undefined {
    return this.freeRegions.pop() ?? (this.nextRegion < TABLE_SIZE ? this.nextRegion++ : undefined);
  }
  /** Puts the functions of a region's module into the table, at the index that was reserved for it. */
  installRegion(module: Uint8Array<ArrayBuffer>): void {
    this.instantiate(new WebAssembly.Module(module));
  }
  releaseRegion(index: number): void {
    this.table.set(index, null);
    this.freeRegions.push(index);
  }

  private instantiate(module: WebAssembly.Module): WebAssembly.Exports {
    return new WebAssembly.Instance(module, { e: this.imports }).exports;
  }
}

/** Keys of the runs that a base module has handlers for, in table order. */
function prebuiltRuns(base: WebAssembly.Module): readonly string[] {
  const [section] = WebAssembly.Module.customSections(base, RUNS_SECTION);
  return section === undefined ? [] : (JSON.parse(new TextDecoder().decode(section)) as readonly string[]);
}
