import assert from 'node:assert/strict';
import { InstructionDecoder, LONGEST_INSTRUCTION, type DecodedInstruction } from '../../src/cpu/decoder.ts';

const MODE_32 = { codeSize: 32, stackWidth: 32 } as const;
const MODE_16 = { codeSize: 16, stackWidth: 16 } as const;

import { cpuModel } from '../../src/x86/cpu-model.ts';

describe('InstructionDecoder', () => {
  const decoder = new InstructionDecoder(cpuModel('default'));
  const decodeAny = (bytes: readonly number[], mode: typeof MODE_16 | typeof MODE_32 = MODE_32) => {
    const run = decoder.open(Uint8Array.from(bytes), 0x1000, mode);
    try {
      return decoder.next(run, 0x1000, mode);
    } finally {
      run.free();
    }
  };
  const decode = (bytes: readonly number[], mode: typeof MODE_16 | typeof MODE_32 = MODE_32): DecodedInstruction => {
    const found = decodeAny(bytes, mode);
    assert.ok(!('problem' in found));
    return found;
  };

  it('finds base, index, scale, displacement and segment', () => {
    // mov eax, gs:[ebx + esi*4 - 8]
    const { form, base, index, scale, displacement, segment, registers } = decode([0x65, 0x8b, 0x44, 0xb3, 0xf8]);
    assert.deepEqual([form.kinds, form.width, form.addressWidth], ['rm', 32, 32]);
    assert.deepEqual([base, index, scale, displacement, segment], [3, 6, 2, -8, 5]);
    assert.deepEqual(registers, [{ index: 0, high: false }]);
  });

  it('takes SS for EBP and ESP, and 16-bit addresses', () => {
    assert.equal(decode([0x8b, 0x45, 0]).segment, 2);
    const word = decode([0x67, 0x8b, 0x42, 0x10]);
    assert.deepEqual([word.form.addressWidth, word.base, word.index, word.segment], [16, 5, 6, 2]);
    assert.equal(decode([0x8b, 0x42, 0x10], MODE_16).form.width, 16);
  });

  it('knows high byte registers, immediates and targets', () => {
    assert.deepEqual(decode([0xb4, 0x12]).registers, [{ index: 0, high: true }]);
    assert.equal(decode([0x83, 0xc0, 0xff]).immediate, -1);
    assert.equal(decode([0xeb, 0xfe]).target, 0x1000);
    const enter = decode([0xc8, 0x34, 0x12, 5]);
    assert.deepEqual([enter.immediate, enter.immediate2], [0x1234, 5]);
    const far = decode([0xea, 0x78, 0x56, 0x34, 0x12, 8, 0]);
    assert.deepEqual([far.immediate, far.immediate2], [0x12345678, 8]);
  });

  it('tells POP [ESP] from other operands', () => {
    assert.equal(decode([0x8f, 0x04, 0x24]).form.baseIsStackPointer, true);
    assert.equal(decode([0x8f, 0x00]).form.baseIsStackPointer, false);
    assert.equal(decode([0xff, 0x34, 0x24]).form.baseIsStackPointer, false);
  });

  it('shares a form between instructions that differ in operand values only', () => {
    assert.equal(decode([0x01, 0xd8]).form, decode([0x01, 0xca]).form);
    assert.notEqual(decode([0x01, 0xd8]).form, decode([0x66, 0x01, 0xd8]).form);
  });

  it('does not take REP BSF for TZCNT nor REP BSR for LZCNT: the CPU has neither', () => {
    assert.deepEqual(decode([0xf3, 0x0f, 0xbc, 0xc1]).form.description.mnemonics, ['Bsf']);
    assert.deepEqual(decode([0xf3, 0x0f, 0xbd, 0xc1]).form.description.mnemonics, ['Bsr']);
  });

  it('says what the bytes lack', () => {
    assert.deepEqual(decodeAny([0x81, 0xc0, 1]), { problem: 'truncated', name: '', length: 3 });
    assert.deepEqual(decode(Array<number>(LONGEST_INSTRUCTION + 1).fill(0x66)).form.description.mnemonics, ['TooLong']);
    assert.deepEqual(decode([0xf0, 0x90]).form.description.mnemonics, ['INVALID']);
  });
});
