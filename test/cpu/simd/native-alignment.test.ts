import assert from 'node:assert/strict';
import { assemble } from '../../support/assembler.ts';
import { FX_SIZE, NO_FAULT, ORACLE, runNatively, type SimdInput } from '../../support/simd-oracle.ts';
import { requireTool } from '../../support/tools.ts';
import { FX } from './random-simd.ts';
import { SimdGuest } from './simd-guest.ts';

const AC = 0x40000;
const EFLAGS = 0x202 | AC;
const EBX = 3;
const WINDOW = ORACLE.readOnly - ORACLE.window;

/** One memory operand each, at [ebx]; of every kind of SDM 3, table 6-7, that a user program reaches. */
const INSTRUCTIONS = [
  ...['mov al, [ebx]', 'mov ax, [ebx]', 'mov eax, [ebx]', 'mov [ebx], ax', 'add [ebx], eax', 'lock xadd [ebx], eax'],
  ...[
    'cmpxchg8b [ebx]',
    'lock cmpxchg8b [ebx]',
    'bt [ebx], eax',
    'bt [ebx], ax',
    'bound ecx, [ebx]',
    'bound cx, [ebx]',
  ],
  ...['push dword ptr [ebx]', 'pop dword ptr [ebx]'],
  ...[
    'fld dword ptr [ebx]',
    'fld qword ptr [ebx]',
    'fld tbyte ptr [ebx]',
    'fstp tbyte ptr [ebx]',
    'fst qword ptr [ebx]',
  ],
  ...[
    'fild word ptr [ebx]',
    'fild qword ptr [ebx]',
    'fistp qword ptr [ebx]',
    'fbld tbyte ptr [ebx]',
    'fbstp tbyte ptr [ebx]',
  ],
  ...['fnstcw [ebx]', 'fnstenv [ebx]', 'data16 fnstenv [ebx]', 'fldenv [ebx]', 'data16 fldenv [ebx]'],
  ...['fnsave [ebx]', 'data16 fnsave [ebx]', 'frstor [ebx]', 'data16 frstor [ebx]'],
  ...['movd mm0, [ebx]', 'movq mm0, [ebx]', 'movq [ebx], mm0', 'paddw mm1, [ebx]', 'movntq [ebx], mm0'],
  ...[
    'movq xmm0, qword ptr [ebx]',
    'movq qword ptr [ebx], xmm0',
    'movsd xmm0, qword ptr [ebx]',
    'addsd xmm0, qword ptr [ebx]',
  ],
  ...[
    'movss xmm0, dword ptr [ebx]',
    'movlps xmm0, [ebx]',
    'movhpd [ebx], xmm1',
    'cvtpi2ps xmm0, [ebx]',
    'pinsrw xmm0, word ptr [ebx], 1',
  ],
  ...['movaps xmm0, [ebx]', 'paddd xmm0, [ebx]', 'movups xmm0, [ebx]', 'movdqu [ebx], xmm0', 'movupd xmm1, [ebx]'],
  ...['ldmxcsr [ebx]', 'stmxcsr [ebx]', 'movntps [ebx], xmm0', 'movnti [ebx], eax'],
];

/** Accesses of 16 bytes without #GP off a 16-byte boundary. */
const UNALIGNED = /^mov(ups|upd|dqu)/;

describe('Alignment checks against this computer (SDM 3, 6.15, interrupt 17)', function () {
  this.timeout(60_000);

  it('of each kind of operand at each offset from 0 to 15, at CPL 3 with CR0.AM and EFLAGS.AC', function () {
    requireTool(this, 'gcc');
    const cases = INSTRUCTIONS.flatMap((text) => {
      const code = assemble(text, ORACLE.start).bytes;
      return Array.from({ length: 16 }, (_, offset) => ({ text, offset, input: inputOf(code, offset) }));
    });
    const natives = runNatively(cases.map(({ input }) => input));
    const guest = new SimdGuest();
    const problems = cases.flatMap(({ text, offset, input }, n) => {
      const native = natives[n] ?? assert.fail('output');
      const found = guest.run(input);
      // The host looks at 16 bytes that need not be aligned; a CPU may look at 8 of them, or at none.
      if (UNALIGNED.test(text) && offset === 8) return found.vector === NO_FAULT ? [] : [text];
      return native.vector === found.vector
        ? []
        : [`${text} at ${offset}: ${found.vector}, the CPU has ${native.vector}`];
    });
    assert.deepEqual(problems, []);
  });
});

/** Everything 0 and masked; FPU registers empty but ST(0). */
function inputOf(code: Uint8Array, offset: number): SimdInput {
  const fx = new Uint8Array(FX_SIZE);
  const view = new DataView(fx.buffer);
  view.setUint16(FX.control, 0x37f, true);
  fx[FX.tag] = 1;
  view.setUint32(FX.mxcsr, 0x1f80, true);
  view.setUint32(FX.mxcsrMask, 0xffff, true);
  const registers = new Array<number>(8).fill(0);
  registers[EBX] = WINDOW + offset;
  registers[4] = WINDOW + 512;
  return { code, registers, eflags: EFLAGS, fx, data: new Uint8Array(ORACLE.window) };
}
