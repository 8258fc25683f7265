import assert from 'node:assert/strict';
import { assemble } from '../../support/assembler.ts';
import { FX_SIZE, NO_FAULT, ORACLE, runNatively, type SimdInput } from '../../support/simd-oracle.ts';
import { requireTool } from '../../support/tools.ts';
import { FX } from './random-simd.ts';
import { differences, SimdGuest } from './simd-guest.ts';

const MATH_FAULT = 16;
const EBX = 3;
const WINDOW = ORACLE.readOnly - ORACLE.window;
/** Where [ebx] is: in memory, where no memory is, in memory that cannot be written. */
const PLACES = { memory: WINDOW, missing: ORACLE.data - 0x1000, 'read-only': ORACLE.readOnly } as const;

/** Wait for a pending exception (SDM 1, 8.7 and 9.6.3). */
const WAITING = [
  ...[
    'fwait',
    'fnop',
    'fld1',
    'fadd st, st(1)',
    'fincstp',
    'ffree st(3)',
    'fxch st(1)',
    'fcomi st, st(1)',
    'fcmovb st, st(1)',
  ],
  ...[
    'fld dword ptr [ebx]',
    'fstp qword ptr [ebx]',
    'fild word ptr [ebx]',
    'fbstp tbyte ptr [ebx]',
    'fst dword ptr fs:[0x2000]',
  ],
  ...['fldcw [ebx]', 'fldenv [ebx]', 'frstor [ebx]', 'fstcw [ebx]', 'fstsw ax', 'fsave [ebx]', 'fclex', 'finit'],
  ...[
    'emms',
    'paddw mm0, mm1',
    'movq mm0, [ebx]',
    'movq [ebx], mm0',
    'movd mm0, eax',
    'cvtpi2ps xmm0, mm0',
    'maskmovq mm0, mm1',
  ],
];
/** Do not. */
const OTHERS = [
  ...['fninit', 'fnclex', 'fnstsw ax', 'fnstcw [ebx]', 'fnstenv [ebx]', 'fnsave [ebx]', 'fnstsw word ptr [ebx]'],
  ...['addps xmm0, xmm1', 'movaps xmm0, [ebx]', 'stmxcsr [ebx]', 'paddw xmm0, xmm1', 'nop'],
];

describe('A pending x87 exception against this computer (SDM 1, 8.7; SDM 3, 6.15, interrupt 16)', function () {
  this.timeout(60_000);

  /** Runs every instruction at every place, with an invalid operation that is pending and unmasked; the vectors of the host. */
  function compare(instructions: readonly string[]): Map<string, number> {
    const cases = instructions.flatMap((text) => {
      const code = assemble(text, ORACLE.start).bytes;
      return Object.entries(PLACES).map(([where, address]) => ({
        name: `${text}, ${where}`,
        input: inputOf(code, address),
      }));
    });
    const natives = runNatively(cases.map(({ input }) => input));
    const guest = new SimdGuest();
    const problems: string[] = [];
    const vectors = new Map<string, number>();
    cases.forEach(({ name, input }, n) => {
      const native = natives[n] ?? assert.fail('output');
      vectors.set(name, native.vector);
      const list = differences(name, native, guest.run(input));
      if (list.length > 0) problems.push(`${name}: ${list.slice(0, 5).join('; ')}`);
    });
    assert.deepEqual(problems, []);
    return vectors;
  }

  before(function () {
    requireTool(this, 'gcc');
  });

  it('is #MF before an instruction that waits, and before its memory operand is looked at', () => {
    for (const [name, vector] of compare(WAITING)) assert.equal(vector, MATH_FAULT, name);
  });

  it('does not hold up an instruction that does not wait', () => {
    for (const [name, vector] of compare(OTHERS)) assert.notEqual(vector, MATH_FAULT, name);
    assert.equal(compare(['fnclex']).get('fnclex, memory'), NO_FAULT);
  });
});

function inputOf(code: Uint8Array, address: number): SimdInput {
  const fx = new Uint8Array(FX_SIZE);
  const view = new DataView(fx.buffer);
  view.setUint16(FX.control, 0x37e, true);
  view.setUint16(FX.status, 0x8081, true);
  fx[FX.tag] = 0xff;
  for (let n = 0; n < 8; n++) {
    view.setBigUint64(FX.x87 + 16 * n, (1n << 63n) | BigInt(n), true);
    view.setUint16(FX.x87 + 16 * n + 8, 0x3fff, true);
  }
  view.setUint32(FX.mxcsr, 0x1f80, true);
  view.setUint32(FX.mxcsrMask, 0xffff, true);
  const registers = new Array<number>(8).fill(0);
  registers[EBX] = address;
  registers[4] = WINDOW + 512;
  return { code, registers, eflags: 0x202, fx, data: new Uint8Array(ORACLE.window) };
}
