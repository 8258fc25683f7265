import assert from 'node:assert/strict';
import { SerialText, serialBytes } from '../../src/extension/model/serial-text.ts';

describe('the text of a serial port', () => {
  it('ends every line with CR LF, whatever the guest sends', () => {
    const serial = new SerialText();
    assert.equal(serial.receive('one\ntwo\r\nthree\r'), 'one\r\ntwo\r\nthree\r');
    assert.equal(serial.receive('\nfour'), '\nfour');
    assert.equal(serial.history, 'one\r\ntwo\r\nthree\r\nfour');
  });

  it('takes a character whose bytes come apart', () => {
    const serial = new SerialText();
    assert.equal(serial.receive('\xc2'), '');
    assert.equal(serial.receive('\xb5s'), 'µs');
  });

  it('keeps what came last when there is too much', () => {
    const serial = new SerialText();
    for (let line = 0; line < 300; line++) serial.receive('x'.repeat(1024));
    serial.receive('end');
    assert.equal(serial.history.length, 2 ** 18);
    assert.ok(serial.history.endsWith('xend'));
  });

  it('sends typed characters as the bytes of UTF-8', () => {
    assert.equal(serialBytes('a\rµ'), 'a\r\xc2\xb5');
  });
});
