import assert from 'node:assert/strict';
import { OutputStream } from '../../src/adapter/output-stream.ts';
import { Machine } from '../../src/machine/machine.ts';

describe('the output of a guest', () => {
  it('has plain line ends in the Debug Console, wherever a flush cuts it', () => {
    const machine = new Machine({ memory: 0x100000 });
    const sent: unknown[] = [];
    const stream = new OutputStream(machine, 'console', (event, body) => sent.push([event, body]));
    const print = (text: string): void => {
      for (const character of text) machine.onSerial.fire(character.charCodeAt(0));
    };
    print('one\r\ntwo\r');
    stream.flush();
    print('\nthree\r');
    stream.flush();
    print('3');
    stream.flush();
    const texts = (event: string, field: string): unknown[] =>
      sent.flatMap((one) => {
        const [name, body] = one as [string, Record<string, unknown>];
        return name === event ? [body[field]] : [];
      });
    assert.deepEqual(texts('output', 'output'), ['one\ntwo', '\nthree', '\r3']);
    assert.deepEqual(texts('startOfDay/serial', 'text'), ['one\r\ntwo\r', '\nthree\r', '3']);
  });
});
