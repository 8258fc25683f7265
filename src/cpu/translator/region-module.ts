import { FunctionBody } from '../../wasm/function-body.ts';
import { encodeModule } from '../../wasm/module-encoder.ts';
import { FUNCTION_IMPORTS, HANDLER_PARAMETERS, MEMORY_PAGES, TYPE, TYPES } from '../lowering/functions.ts';
import type { Region } from './region.ts';
import { RegionLowering } from './region-lowering.ts';

/** The module of one region, which puts its function into the table. */
export function regionModule(region: Region): Uint8Array<ArrayBuffer> {
  const body = new FunctionBody(HANDLER_PARAMETERS);
  new RegionLowering(body, region).lower();
  return encodeModule({
    types: TYPES,
    imports: FUNCTION_IMPORTS,
    memoryPages: MEMORY_PAGES,
    functions: [{ type: TYPE.handler, body }],
    elements: { offset: region.handler, functions: [0] },
  });
}
