import { writeSigned, writeUnsigned, type FunctionBody, type ValueType } from './function-body.ts';

export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

export interface FunctionImport {
  readonly name: string;
  /** Index into the module's types. */
  readonly type: number;
}

export interface DefinedFunction {
  readonly type: number;
  readonly body: FunctionBody;
  readonly exportName?: string;
}

/** A module that imports its memory, one function table and functions, all from the namespace `e`. */
export interface ModuleDescription {
  readonly types: readonly FunctionType[];
  readonly imports: readonly FunctionImport[];
  /** Least and largest size of the imported memory, in pages of 64 KiB. */
  readonly memoryPages: readonly [number, number];
  readonly functions: readonly DefinedFunction[];
  /** Puts defined functions (by their place in `functions`) into the table from `offset` on. */
  /** A custom section with UTF-8 text. */
  readonly customSection?: { readonly name: string; readonly text: string };
  readonly elements: { readonly offset: number; readonly functions: readonly number[] };
}

const EXTERNAL_FUNCTION = 0;
const EXTERNAL_TABLE = 1;
const EXTERNAL_MEMORY = 2;
const FUNCTION_REFERENCE = 0x70;

/** The bytes of a module (WebAssembly Core Specification 1.0, 5.5). */
export function encodeModule(module: ModuleDescription): Uint8Array<ArrayBuffer> {
  const functionCount = module.imports.length;
  const types = vector(module.types, ({ parameters, results }) => [0x60, ...bytes(parameters), ...bytes(results)]);
  const imports = vectorOf([
    ...module.imports.map(({ name, type }) => [...text('e'), ...text(name), EXTERNAL_FUNCTION, ...unsigned(type)]),
    [...text('e'), ...text('memory'), EXTERNAL_MEMORY, 1, ...module.memoryPages.flatMap(unsigned)],
    [...text('e'), ...text('table'), EXTERNAL_TABLE, FUNCTION_REFERENCE, 0, 1],
  ]);
  const functions = vector(module.functions, ({ type }) => unsigned(type));
  const exported = module.functions.flatMap(({ exportName }, n) =>
    exportName === undefined ? [] : [[...text(exportName), EXTERNAL_FUNCTION, ...unsigned(functionCount + n)]],
  );
  const elements = [
    1,
    0,
    0x41,
    ...signed(module.elements.offset),
    0x0b,
    ...vector(module.elements.functions, (n) => unsigned(functionCount + n)),
  ];
  const code = vector(module.functions, ({ body }) => body.encode());
  const { customSection } = module;
  const custom =
    customSection === undefined ? [] : [...text(customSection.name), ...new TextEncoder().encode(customSection.text)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, imports),
    ...section(3, functions),
    ...section(7, vectorOf(exported)),
    ...section(9, elements),
    ...section(10, code),
    ...(customSection === undefined ? [] : section(0, custom)),
  ]);
}

function unsigned(value: number): number[] {
  const out: number[] = [];
  writeUnsigned(out, value);
  return out;
}
function signed(value: number): number[] {
  const out: number[] = [];
  writeSigned(out, BigInt(value));
  return out;
}
function text(value: string): number[] {
  return [...unsigned(value.length), ...Array.from(value, (character) => character.charCodeAt(0))];
}
function bytes(values: readonly number[]): number[] {
  return [...unsigned(values.length), ...values];
}
function vectorOf(items: readonly (readonly number[])[]): number[] {
  return unsigned(items.length).concat(...items);
}
function vector<T>(items: readonly T[], encode: (item: T) => number[]): number[] {
  return vectorOf(items.map(encode));
}
function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length)].concat(content);
}
