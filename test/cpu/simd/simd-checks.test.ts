import assert from 'node:assert/strict';
import type { CpuFault } from '../../../src/cpu/fault.ts';
import * as L from '../../../src/cpu/layout.ts';
import { readMmx, readMxcsr, readXmm, writeMxcsr, writeXmm } from '../../../src/cpu/simd-state.ts';
import { assemble } from '../../support/assembler.ts';
import { Guest, PLACE } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';

/** CR0 and CR4 bits (SDM 3, 2.5). */
const EM = 4;
const TS = 8;
const OSFXSR = 0x200;
const OSXMMEXCPT = 0x400;
const DATA = `0x${PLACE.data.toString(16)}`;

/** A guest at one instruction, with SSE on. */
function guestAt(source: string): Guest {
  const guest = new Guest('interpreter', { code: assemble(source, PLACE.code).bytes });
  guest.cpu.state.setControl(4, OSFXSR | OSXMMEXCPT);
  return guest;
}

/** The fault that the first instruction raises; undefined when it completes. The guest has no interrupt table. */
function faultOf(guest: Guest): CpuFault | undefined {
  const exit = guest.run(1);
  if (exit.kind === 'triple-fault') return exit.chain[0];
  assert.equal(exit.kind, 'budget');
  return undefined;
}

const vectorOf = (source: string, prepare: (guest: Guest) => void): number | undefined => {
  const guest = guestAt(source);
  prepare(guest);
  return faultOf(guest)?.vector;
};

const setCr0 =
  (bits: number) =>
  ({ cpu }: Guest): void =>
    cpu.state.setControl(0, cpu.state.control(0) | bits);
const withoutSse = ({ cpu }: Guest): void => cpu.state.setControl(4, 0);

describe('MMX and SSE: what the system decides (SDM 3, tables 2-2 and 13-1)', () => {
  before(function () {
    requireTool(this, 'gcc');
  });

  const MMX = ['paddb mm0, mm1', 'movq mm0, [eax]', 'emms', 'pshufw mm0, mm1, 0', 'paddq mm0, mm1'];
  const SSE = ['addps xmm0, xmm1', 'movdqa xmm0, xmm1', `stmxcsr [${DATA}]`, 'movq2dq xmm0, mm0', 'cvtpi2ps xmm0, mm0'];
  const IMAGE = [`fxsave [${DATA}]`, `fxrstor [${DATA}]`];

  for (const source of [...MMX, ...SSE]) {
    it(`${source}: #UD with CR0.EM, before #NM with CR0.TS`, () => {
      assert.equal(vectorOf(source, setCr0(EM)), 6);
      assert.equal(vectorOf(source, setCr0(EM | TS)), 6);
      assert.equal(vectorOf(source, setCr0(TS)), 7);
    });
  }
  for (const source of IMAGE) {
    it(`${source}: #NM with CR0.EM or CR0.TS`, () => {
      assert.equal(vectorOf(source, setCr0(EM)), 7);
      assert.equal(vectorOf(source, setCr0(TS)), 7);
    });
  }

  it('needs CR4.OSFXSR for XMM registers and MXCSR, not for MMX registers and FXSAVE', () => {
    for (const source of SSE) assert.equal(vectorOf(source, withoutSse), 6, source);
    for (const source of [...MMX.filter((text) => !text.includes('[')), ...IMAGE])
      assert.equal(vectorOf(source, withoutSse), undefined, source);
  });

  it('checks CR0 before the operand in memory', () => {
    const outside = ({ cpu }: Guest): void => {
      cpu.state.setControl(0, cpu.state.control(0) | TS);
      cpu.state.setSegment(3, { ...cpu.state.segment(3), access: 0 });
    };
    assert.equal(vectorOf('movaps xmm0, [1]', outside), 7);
    assert.equal(vectorOf('fxsave [1]', outside), 7);
  });

  it('raises #GP(0) off a 16-byte boundary, of the linear address and in any segment', () => {
    for (const source of [
      'movaps xmm0, [0x20008]',
      'movntdq [0x20004], xmm0',
      'addps xmm0, [0x20001]',
      'fxsave [0x20008]',
    ]) {
      const fault = faultOf(guestAt(source));
      assert.deepEqual([fault?.vector, fault?.errorCode], [13, 0], source);
      assert.match(fault?.reason ?? '', /16-byte boundary/);
    }
    assert.equal(faultOf(guestAt('movaps xmm0, ss:[0x20008]'))?.vector, 13);
    assert.equal(faultOf(guestAt('movups xmm0, [0x20001]')), undefined);
    assert.equal(faultOf(guestAt('movdqu [0x20001], xmm0')), undefined);
  });

  it('refuses reserved bits of MXCSR with #GP(0), and keeps the old value', () => {
    for (const bit of [16, 17, 31]) {
      const guest = guestAt(`ldmxcsr [${DATA}]`);
      guest.writeWords(PLACE.data, (0x1f80 | (1 << bit)) >>> 0);
      assert.deepEqual([faultOf(guest)?.vector, readMxcsr(guest.cpu.state)], [13, 0x1f80]);
    }
  });

  it('waits in MMX instructions for an x87 exception: #MF', () => {
    const pending = ({ cpu }: Guest): void => {
      cpu.state.setControl(0, cpu.state.control(0) | 0x20);
      cpu.state.view.setUint32(L.X87_CONTROL, 0x340, true);
      cpu.state.view.setUint32(L.X87_STATUS, 0x8081, true);
    };
    assert.equal(vectorOf('paddb mm0, mm1', pending), 16);
    assert.equal(vectorOf('emms', pending), 16);
    assert.equal(vectorOf('cvtpi2ps xmm0, mm1', pending), 16);
    assert.equal(vectorOf('addps xmm0, xmm1', pending), undefined);
    assert.equal(vectorOf(`fxsave [${DATA}]`, pending), undefined);
  });
});

describe('SSE: unmasked exceptions (SDM 1, 11.5)', () => {
  before(function () {
    requireTool(this, 'gcc');
  });

  /** 1.0 / 0.0 in XMM0 and XMM1 with division by zero unmasked. */
  const dividing = (): Guest => {
    const guest = guestAt('divss xmm0, xmm1');
    writeXmm(guest.cpu.state, 0, [0x3f800000, 1, 2, 3]);
    writeXmm(guest.cpu.state, 1, [0, 0, 0, 0]);
    writeMxcsr(guest.cpu.state, 0x1d80);
    return guest;
  };

  it('raise #XM with the flag set and the destination unchanged', () => {
    const guest = dividing();
    const fault = faultOf(guest);
    assert.deepEqual([fault?.vector, fault?.errorCode], [19, undefined]);
    assert.equal(fault?.reason, 'SSE: division by zero, not masked in MXCSR 0x1d84');
    assert.equal(readMxcsr(guest.cpu.state), 0x1d84);
    assert.deepEqual(readXmm(guest.cpu.state, 0), [0x3f800000, 1, 2, 3]);
    assert.equal(guest.cpu.state.ip, PLACE.code);
  });

  it('raise #UD while CR4.OSXMMEXCPT is 0', () => {
    const guest = dividing();
    guest.cpu.state.setControl(4, OSFXSR);
    assert.equal(faultOf(guest)?.vector, 6);
  });

  it('give the masked response otherwise', () => {
    const guest = dividing();
    writeMxcsr(guest.cpu.state, 0x1f80);
    assert.equal(faultOf(guest), undefined);
    assert.deepEqual(readXmm(guest.cpu.state, 0), [0x7f800000, 1, 2, 3]);
    assert.equal(readMxcsr(guest.cpu.state), 0x1f84);
  });
});

describe('stores of MMX and XMM registers', () => {
  before(function () {
    requireTool(this, 'gcc');
  });

  it('write nothing when the second page of two is missing', () => {
    const guest = guestAt('movdqu [0x20ff8], xmm0');
    guest.mapIdentity(0x21000);
    guest.enablePaging();
    writeXmm(guest.cpu.state, 0, [-1, -1, -1, -1]);
    const fault = faultOf(guest);
    assert.deepEqual([fault?.vector, fault?.operands['address']], [14, 0x21000]);
    assert.deepEqual([guest.readWord(0x20ff8), guest.readWord(0x20ffc)], [0, 0]);
  });

  it('write the masked bytes of MASKMOVDQU at DS:DI with a 16-bit address', () => {
    const guest = guestAt('.byte 0x67\n maskmovdqu xmm0, xmm1');
    guest.cpu.state.setRegister32(7, 0xabcd0ff0);
    writeXmm(guest.cpu.state, 0, [0x44332211, 0x0807_0605, 0, 0]);
    writeXmm(guest.cpu.state, 1, [0x80008000 | 0, 0x7f7f7fff, 0, 0]);
    assert.equal(faultOf(guest), undefined);
    assert.deepEqual([guest.readWord(0xff0), guest.readWord(0xff4)], [0x44002200, 0x00000005]);
  });

  it('leave the x87 unit in MMX state, EMMS empties it', () => {
    const guest = guestAt('movd mm3, eax\n emms');
    const { view } = guest.cpu.state;
    view.setUint32(L.X87_STATUS, 0x3800, true);
    view.setUint32(L.X87_TAG, 0xffff, true);
    guest.cpu.state.setRegister32(0, 0x12345678);
    assert.equal(faultOf(guest), undefined);
    assert.deepEqual(readMmx(guest.cpu.state, 3), [0x12345678, 0]);
    assert.equal(view.getUint16(L.X87_REGISTERS + 3 * 16 + 8, true), 0xffff);
    assert.deepEqual([view.getUint32(L.X87_STATUS, true), view.getUint32(L.X87_TAG, true)], [0, 0]);
    assert.equal(faultOf(guest), undefined);
    assert.equal(view.getUint32(L.X87_TAG, true), 0xffff);
  });
});
