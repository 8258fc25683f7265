import { prebuildHandlers } from '../../src/cpu/interpreter/prebuilt-handlers.ts';

let module: WebAssembly.Module | undefined;

/** The handlers that the build makes, made once for all tests of a process. */
export function prebuiltHandlers(): WebAssembly.Module {
  module ??= new WebAssembly.Module(prebuildHandlers());
  return module;
}
