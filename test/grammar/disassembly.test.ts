import assert from 'node:assert/strict';
import { innermost, loadTokenizer, type Tokenizer } from './tokenizer.ts';

describe('disassembly grammar', () => {
  let tokenize: Tokenizer = () => [];

  before(async () => {
    tokenize = await loadTokenizer('disassembly.tmLanguage.json', 'source.start-of-day-disassembly');
  });

  it('colours address, bytes, mnemonic and operands', () => {
    assert.deepEqual(
      innermost(tokenize('kernel_main+0x10:\n0x00100010  e8 0b 00 00 00  call 0x00100020 <die+0x4> ; calls die')),
      [
        'kernel_main entity.name.function',
        '+ keyword.operator.arithmetic',
        '0x10 constant.numeric.hex',
        '0x00100010 constant.numeric.address',
        'e8 0b 00 00 00 comment.bytes',
        'call keyword.mnemonic',
        '0x00100020 constant.numeric.hex',
        'die entity.name.function',
        '+ keyword.operator.arithmetic',
        '0x4 constant.numeric.hex',
        '; calls die comment.line.semicolon',
      ],
    );
    assert.deepEqual(innermost(tokenize('00100086: f3 ab  rep stosd dword ptr es:[edi], eax')), [
      '00100086 constant.numeric.address',
      'f3 ab comment.bytes',
      'rep keyword.other.prefix',
      'stosd keyword.mnemonic',
      'dword ptr storage.type.width',
      'es variable.language.register',
      '[ meta.instruction',
      'edi variable.language.register',
      '] meta.instruction',
      'eax variable.language.register',
    ]);
  });

  it('does not take a mnemonic of hexadecimal letters for bytes', () => {
    assert.deepEqual(innermost(tokenize('0x00100000 01 c3  add ebx, eax')).slice(1, 3), [
      '01 c3 comment.bytes',
      'add keyword.mnemonic',
    ]);
  });
});
