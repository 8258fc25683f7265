import assert from 'node:assert/strict';
import {
  FunctionBody,
  I32,
  I64,
  writeSigned,
  writeUnsigned,
  type NumericOperation,
} from '../../src/wasm/function-body.ts';
import { encodeModule, type DefinedFunction } from '../../src/wasm/module-encoder.ts';

const unsigned = (value: number): number[] => {
  const out: number[] = [];
  writeUnsigned(out, value);
  return out;
};
const signed = (value: bigint): number[] => {
  const out: number[] = [];
  writeSigned(out, value);
  return out;
};

describe('LEB128', () => {
  // DWARF 5, tables 7.7 and 7.8 (figures 22 and 23 of DWARF 3), and the edges of the widths.
  it('unsigned', () => {
    assert.deepEqual(unsigned(0), [0]);
    assert.deepEqual(unsigned(2), [2]);
    assert.deepEqual(unsigned(127), [0x7f]);
    assert.deepEqual(unsigned(128), [0x80, 1]);
    assert.deepEqual(unsigned(129), [0x81, 1]);
    assert.deepEqual(unsigned(12857), [0xb9, 0x64]);
    assert.deepEqual(unsigned(0x80000000), [0x80, 0x80, 0x80, 0x80, 8]);
    assert.deepEqual(unsigned(0xffffffff), [0xff, 0xff, 0xff, 0xff, 0xf]);
  });

  it('signed', () => {
    assert.deepEqual(signed(0n), [0]);
    assert.deepEqual(signed(2n), [2]);
    assert.deepEqual(signed(-2n), [0x7e]);
    assert.deepEqual(signed(63n), [0x3f]);
    assert.deepEqual(signed(64n), [0xc0, 0]);
    assert.deepEqual(signed(-64n), [0x40]);
    assert.deepEqual(signed(-65n), [0xbf, 0x7f]);
    assert.deepEqual(signed(127n), [0xff, 0]);
    assert.deepEqual(signed(-127n), [0x81, 0x7f]);
    assert.deepEqual(signed(128n), [0x80, 1]);
    assert.deepEqual(signed(-128n), [0x80, 0x7f]);
    assert.deepEqual(signed(-(2n ** 31n)), [0x80, 0x80, 0x80, 0x80, 0x78]);
    assert.deepEqual(signed(2n ** 63n - 1n), [...Array<number>(9).fill(0xff), 0]);
    assert.deepEqual(signed(-(2n ** 63n)), [...Array<number>(9).fill(0x80), 0x7f]);
  });
});

type Numbers = readonly (number | bigint)[];
type Exported = (...parameters: Numbers) => number | bigint;

describe('encodeModule', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 16 });

  /** One function of the type `(parameters) -> result`, instantiated. */
  const build = (
    parameters: readonly (typeof I32 | typeof I64)[],
    result: typeof I32 | typeof I64,
    fill: (body: FunctionBody) => void,
  ): Exported => {
    const body = new FunctionBody(parameters.length);
    fill(body);
    const bytes = encodeModule({
      types: [{ parameters, results: [result] }],
      imports: [],
      memoryPages: [1, 65536],
      functions: [{ type: 0, body, exportName: 'f' }],
      elements: { offset: 0, functions: [0] },
    });
    assert.ok(WebAssembly.validate(bytes));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { memory, table } });
    return exports['f'] as Exported;
  };

  it('computes every numeric operation in both widths', () => {
    const a = 0x80000003;
    const b = 5;
    // Worked out by hand from the WebAssembly specification, 4.3.2.
    const cases: readonly (readonly [NumericOperation, number, bigint])[] = [
      ['eq', 0, 0n],
      ['ne', 1, 1n],
      ['lts', 1, 0n],
      ['ltu', 0, 0n],
      ['gts', 0, 1n],
      ['gtu', 1, 1n],
      ['les', 1, 0n],
      ['leu', 0, 0n],
      ['add', -0x7ffffff8, 0x80000008n],
      ['sub', 0x7ffffffe, 0x7ffffffen],
      ['mul', -0x7ffffff1, 0x28000000fn],
      ['divs', -429496729, 429496730n],
      ['divu', 429496730, 429496730n],
      ['rems', 0, 1n],
      ['remu', 1, 1n],
      ['and', 1, 1n],
      ['or', -0x7ffffff9, 0x80000007n],
      ['xor', -0x7ffffffa, 0x80000006n],
      ['shl', 0x60, 0x1000000060n],
      ['shr', 0x4000000, 0x4000000n],
      ['sar', -0x4000000, 0x4000000n],
      ['rotl', 0x70, 0x1000000060n],
    ];
    for (const [operation, narrow, wide] of cases) {
      const comparison = /^(eq|ne|lt|gt|le)/.test(operation);
      const f32 = build([I32, I32], I32, (body) => {
        body.get(0);
        body.get(1);
        body.numeric(operation);
      });
      const f64 = build([I64, I64], comparison ? I32 : I64, (body) => {
        body.get(0);
        body.get(1);
        body.numeric(operation, I64);
      });
      assert.equal(f32(a, b), narrow, `i32 ${operation}`);
      assert.equal(f64(BigInt(a), BigInt(b)), comparison ? Number(wide) : wide, `i64 ${operation}`);
    }
  });

  it('counts bits and tests for zero', () => {
    for (const [operation, narrow, wide] of [
      ['clz', 8, 40n],
      ['ctz', 4, 4n],
      ['popcnt', 2, 2n],
    ] as const) {
      const f32 = build([I32], I32, (body) => {
        body.get(0);
        body.numeric(operation);
      });
      const f64 = build([I64], I64, (body) => {
        body.get(0);
        body.numeric(operation, I64);
      });
      assert.equal(f32(0x800010), narrow);
      assert.equal(f64(0x800010n), wide);
    }
  });

  it('carries constants at the edges of their widths', () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 0x7fffffff, -0x80000000, 0xffffffff])
      assert.equal(build([], I32, (body) => body.i32(value))(), value | 0);
    for (const value of [0n, -1n, 2n ** 62n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n])
      assert.equal(build([], I64, (body) => body.i64(value))(), BigInt.asIntN(64, value));
  });

  it('extends, wraps and selects', () => {
    const signExtended = build([I32], I64, (body) => {
      body.get(0);
      body.signExtend32(8);
      body.extendSigned();
    });
    assert.equal(signExtended(0x1280), -128n);
    const zeroExtended = build([I32], I64, (body) => {
      body.get(0);
      body.extendUnsigned();
    });
    assert.equal(zeroExtended(-1), 0xffffffffn);
    const wrapped = build([I64], I32, (body) => {
      body.get(0);
      body.wrap();
    });
    assert.equal(wrapped(0x123456789n), 0x23456789);
    const chosen = build([I32], I32, (body) => {
      body.i32(7);
      body.i32(8);
      body.get(0);
      body.select();
    });
    assert.deepEqual([chosen(1), chosen(0)], [7, 8]);
  });

  it('loads and stores every width, unaligned, zero-extended', () => {
    const view = new DataView(memory.buffer);
    for (const bits of [8, 16, 32, 64] as const) {
      const type = bits === 64 ? I64 : I32;
      view.setBigUint64(1003, 0x8877665544332211n, true);
      view.setBigUint64(2001, 0n, true);
      const copy = build([I32, I32], type, (body) => {
        const kept = body.temporary(type);
        body.get(0);
        body.load(bits, 1000);
        body.set(kept);
        body.get(1);
        body.get(kept);
        body.store(bits, 2000);
        body.get(kept);
      });
      const expected = BigInt.asUintN(bits, 0x8877665544332211n);
      assert.equal(BigInt.asUintN(bits, BigInt(copy(3, 1))), expected);
      assert.equal(view.getBigUint64(2001, true), expected);
    }
  });

  it('branches by a table and reuses temporaries of the same type', () => {
    const named = build([I32], I32, (body) => {
      for (let n = 0; n < 3; n++) body.block();
      body.get(0);
      body.branchTable(3);
      for (const result of [10, 20, 30]) {
        body.end();
        body.i32(result);
        body.return();
      }
      body.unreachable();
    });
    assert.deepEqual([named(0), named(1), named(2), named(99)], [10, 20, 30, 30]);
    const body = new FunctionBody(1);
    const first = body.temporary(I32);
    const other = body.temporary(I64);
    body.releaseTemporaries();
    assert.equal(body.temporary(I32), first);
    assert.equal(body.temporary(I64), other);
    assert.notEqual(body.temporary(I32), first);
  });

  it('exports, imports, calls, fills the table and calls through it, also as a tail call', () => {
    const identity = { parameters: [I32], results: [I32] } as const;
    const callImport = new FunctionBody(1);
    callImport.get(0);
    callImport.call(0);
    const throughTable = new FunctionBody(1);
    throughTable.get(0);
    throughTable.i32(3);
    throughTable.callIndirect(0);
    const tail = new FunctionBody(1);
    tail.get(0);
    tail.i32(4);
    tail.returnCallIndirect(0);
    const bytes = encodeModule({
      types: [identity],
      imports: [{ name: 'double', type: 0 }],
      memoryPages: [1, 2],
      functions: [
        { type: 0, body: callImport },
        { type: 0, body: throughTable },
        { type: 0, body: tail, exportName: 'tail' },
      ],
      elements: { offset: 3, functions: [0, 1] },
    });
    assert.ok(WebAssembly.validate(bytes));
    const double = (value: number): number => value * 2;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { memory, table, double } });
    assert.equal((exports['tail'] as Exported)(21), 42);
  });

  it('carries a custom section', () => {
    const bytes = encodeModule({
      types: [],
      imports: [],
      memoryPages: [1, 1],
      functions: [],
      elements: { offset: 0, functions: [] },
      customSection: { name: 'a.name', text: 'text ü' },
    });
    const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), 'a.name');
    assert.equal(new TextDecoder().decode(section), 'text ü');
  });

  it('writes sizes of more than one byte', () => {
    const functions: DefinedFunction[] = Array.from({ length: 200 }, (_, n) => {
      const body = new FunctionBody(0);
      for (let count = 0; count < 100; count++) {
        body.i32(n);
        body.drop();
      }
      body.i32(n);
      return { type: 0, body, exportName: `function-${n}` };
    });
    const bytes = encodeModule({
      types: [{ parameters: [], results: [I32] }],
      imports: [],
      memoryPages: [1, 65536],
      functions,
      elements: { offset: 0, functions: [] },
    });
    assert.ok(WebAssembly.validate(bytes));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { memory, table } });
    assert.equal((exports['function-199'] as Exported)(), 199);
  });
});
