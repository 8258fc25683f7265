import { I32, I64, type ValueType } from '../../wasm/function-body.ts';
import type { FunctionImport, FunctionType } from '../../wasm/module-encoder.ts';

/** Function types of every generated module, by name. */
export const TYPE = { handler: 0, load32: 1, store32: 2, load64: 3, store64: 4, flag: 5, passes: 6, host: 1 } as const;

const signature = (parameters: readonly ValueType[], ...results: readonly ValueType[]): FunctionType => ({
  parameters,
  results,
});

/** In the order of {@link TYPE}. A handler takes its micro-op's address and the budget left. */
export const TYPES: readonly FunctionType[] = [
  signature([I32, I32]),
  signature([I32, I32], I32),
  signature([I32, I32, I32]),
  signature([I32, I32], I64),
  signature([I32, I32, I64]),
  signature([], I32),
  signature([I32, I32, I32, I32, I32], I32),
];

/** Pairs of condition codes, and after them the image of the status flags. */
export const CONDITION_PAIRS = 8;
export const FLAG_IMAGE = CONDITION_PAIRS;

/**
 * Functions that every module can call, by index: the slow memory paths, the flag functions, where a write beside code goes, and the ways
 * to the driver, which are handlers.
 */
export const FUNCTION = {
  load32: 0,
  store32: 1,
  load64: 2,
  store64: 3,
  flags: 4,
  hostBesideCode: 13,
  bail: 14,
  outOfBudget: 15,
  copyPasses: 16,
  fillPasses: 17,
} as const;

/** Slow paths of `mmu.ts`. */
export const SLOW_MEMORY_IMPORTS: readonly FunctionImport[] = [
  { name: 'load32', type: TYPE.load32 },
  { name: 'store32', type: TYPE.store32 },
  { name: 'load64', type: TYPE.load64 },
  { name: 'store64', type: TYPE.store64 },
];

/** What the base module defines for the others, by index: a flag function for each pair of condition codes (the even one) and for the image; memory; ways out; passes of string instructions. */
export const SHARED_FUNCTION_IMPORTS: readonly FunctionImport[] = [
  ...Array.from({ length: CONDITION_PAIRS + 1 }, (_, n) => ({
    name: n === FLAG_IMAGE ? 'flagImage' : `condition${n}`,
    type: TYPE.flag,
  })),
  { name: 'hostBesideCode', type: TYPE.host },
  { name: 'bail', type: TYPE.handler },
  { name: 'outOfBudget', type: TYPE.handler },
  { name: 'copyPasses', type: TYPE.passes },
  { name: 'fillPasses', type: TYPE.passes },
];

/** What every module but the base module imports. */
export const FUNCTION_IMPORTS: readonly FunctionImport[] = [...SLOW_MEMORY_IMPORTS, ...SHARED_FUNCTION_IMPORTS];

/** A handler's parameters: micro-op and budget. */
export const HANDLER_PARAMETERS = 2;
/** Sizes of memory a module accepts, in pages: all that 32 bits address. */
export const MEMORY_PAGES = [1, 65536] as const;
