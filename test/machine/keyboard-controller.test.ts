import assert from 'node:assert/strict';
import { KeyboardController } from '../../src/machine/keyboard-controller.ts';
import { pressAndRelease } from '../../src/machine/scan-codes.ts';
import { input, output, TestClock, TestLine, throughJson } from './support.ts';

class Bench {
  readonly clock = new TestClock();
  readonly line = new TestLine();
  readonly gaps: string[] = [];
  readonly controller = new KeyboardController(this.clock, this.line, (what) => this.gaps.push(what));

  get status(): number {
    return input(this.controller, 0x64);
  }

  /** Reads the data port until the output buffer stays empty. */
  drain(): number[] {
    const bytes: number[] = [];
    while (this.status & 1) bytes.push(input(this.controller, 0x60));
    return bytes;
  }

  /** A command to the controller with its argument, and what comes back. */
  command(command: number, argument?: number): number[] {
    output(this.controller, [0x64, command]);
    if (argument !== undefined) output(this.controller, [0x60, argument]);
    return this.drain();
  }

  /** Bytes to the keyboard, and what comes back. */
  keyboard(...bytes: number[]): number[] {
    return bytes.flatMap((byte) => {
      output(this.controller, [0x60, byte]);
      return this.drain();
    });
  }

  /** Presses and releases keys and reads the codes as they arrive. */
  type(...keys: string[]): number[] {
    this.controller.press(keys.flatMap((key) => pressAndRelease(key)));
    const bytes: number[] = [];
    for (let next = this.controller.nextEvent(); next !== Infinity; next = this.controller.nextEvent()) {
      this.clock.now = next;
      this.controller.advance(next);
      bytes.push(...this.drain());
    }
    return bytes;
  }
}

describe('8042 keyboard controller', () => {
  it('tests itself, its interfaces and reads its ports', () => {
    const bench = new Bench();
    assert.deepEqual(bench.command(0xaa), [0x55]);
    assert.deepEqual(bench.command(0xab), [0x00]);
    assert.deepEqual(bench.command(0xa9), [0x00]);
    assert.deepEqual(bench.command(0xc0), [0x80]);
    // A20 on, reset line high, both wires idle; 0xcf under QEMU has the pulled-up input bits 2 and 3 as well.
    assert.deepEqual(bench.command(0xd0), [0xc3]);
  });

  it('keeps the command byte and shows it in the status', () => {
    const bench = new Bench();
    assert.deepEqual(bench.command(0x60, 0x45), []);
    assert.deepEqual(bench.command(0x20), [0x45]);
    assert.equal(bench.status & 0x04, 0x04);
    bench.command(0xad);
    assert.deepEqual(bench.command(0x20), [0x55]);
    bench.command(0xae);
    bench.command(0xa7);
    assert.deepEqual(bench.command(0x20), [0x65]);
    bench.command(0xa8);
    assert.deepEqual(bench.command(0x20), [0x45]);
  });

  it('shows in the status whether the last write was a command, and a full output buffer', () => {
    const bench = new Bench();
    output(bench.controller, [0x64, 0xaa]);
    assert.equal(bench.status, 0x10 | 0x08 | 0x01);
    assert.equal(input(bench.controller, 0x60), 0x55);
    assert.equal(bench.status, 0x10 | 0x08);
    // The buffer keeps its byte.
    assert.equal(input(bench.controller, 0x60), 0x55);
    output(bench.controller, [0x60, 0xee]);
    assert.equal(bench.status, 0x10 | 0x01);
  });

  it('answers the keyboard commands', () => {
    const bench = new Bench();
    assert.deepEqual(bench.keyboard(0xff), [0xfa, 0xaa]);
    assert.deepEqual(bench.keyboard(0xf2), [0xfa, 0xab, 0x83]);
    assert.deepEqual(bench.keyboard(0xed, 0x07), [0xfa, 0xfa]);
    assert.deepEqual(bench.keyboard(0xf3, 0x20), [0xfa, 0xfa]);
    assert.deepEqual(bench.keyboard(0xf0, 0x00), [0xfa, 0xfa, 0x02]);
    assert.deepEqual(bench.keyboard(0xf0, 0x01), [0xfa, 0xfa]);
    assert.deepEqual(bench.keyboard(0xf0, 0x00), [0xfa, 0xfa, 0x01]);
    assert.deepEqual(bench.keyboard(0xee), [0xee]);
    assert.deepEqual(bench.gaps, []);
  });

  it('translates the identity as QEMU and the PC do: 0xab 0x41', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    assert.deepEqual(bench.keyboard(0xf2), [0xfa, 0xab, 0x41]);
  });

  it('refuses what it does not have, and says so', () => {
    const bench = new Bench();
    assert.deepEqual(bench.keyboard(0xf0, 0x03), [0xfa, 0xfe]);
    assert.deepEqual(bench.keyboard(0xe1), [0xfe]);
    assert.deepEqual(bench.command(0x01), []);
    output(bench.controller, [0x64, 0xd4], [0x60, 0xf4]);
    assert.equal(bench.status & 0x21, 0x21);
    assert.deepEqual(bench.drain(), [0xfe]);
    assert.deepEqual(bench.gaps, [
      'keyboard scan code set 3: this keyboard has sets 1 and 2',
      'keyboard command 0xe1: this keyboard has no such command',
      '8042 command 0x01: this controller has no such command',
      'PS/2 mouse command 0xf4: no mouse is attached',
    ]);
  });

  it('gives set 1 with translation: a is 0x1e and 0x9e, cursor up 0xe0 0x48 and 0xe0 0xc8', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    assert.deepEqual(bench.type('a', 'ArrowUp', 'F7'), [0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8, 0x41, 0xc1]);
  });

  it('gives set 2 without translation: a is 0x1c and 0xf0 0x1c', () => {
    const bench = new Bench();
    bench.command(0x60, 0x25);
    assert.deepEqual(
      bench.type('a', 'ArrowUp', 'F7'),
      [0x1c, 0xf0, 0x1c, 0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x83, 0xf0, 0x83],
    );
  });

  it('gives set 1 without translation when the keyboard is told to', () => {
    const bench = new Bench();
    bench.command(0x60, 0x25);
    bench.keyboard(0xf0, 0x01);
    assert.deepEqual(bench.type('a'), [0x1e, 0x9e]);
  });

  it('interrupts for every byte, a millisecond apart, once the one before was read', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    bench.clock.now = 1000;
    bench.controller.press([0x1e, 0x9e]);
    assert.equal(bench.controller.nextEvent(), 1000 + 100_000);
    assert.equal(bench.line.edges, 0);
    bench.controller.advance((bench.clock.now = 101_000));
    assert.equal(bench.line.edges, 1);
    // Unread, it holds the keyboard back.
    assert.equal(bench.controller.nextEvent(), Infinity);
    bench.clock.now = 500_000;
    assert.equal(input(bench.controller, 0x60), 0x1e);
    assert.equal(bench.line.high, false);
    // The break prefix of set 2 takes its time on the wire and gives no byte.
    assert.equal(bench.controller.nextEvent(), 600_000);
    bench.controller.advance((bench.clock.now = 600_000));
    assert.equal(bench.line.edges, 1);
    bench.controller.advance((bench.clock.now = 700_000));
    assert.equal(bench.line.edges, 2);
    assert.equal(input(bench.controller, 0x60), 0x9e);
    assert.equal(bench.controller.nextEvent(), Infinity);
  });

  it('interrupts only when the command byte says so, also for a byte that is already there', () => {
    const bench = new Bench();
    bench.command(0x60, 0x44);
    bench.controller.press([0x1e]);
    bench.controller.advance((bench.clock.now = 100_000));
    assert.equal(bench.status & 1, 1);
    assert.equal(bench.line.high, false);
    output(bench.controller, [0x64, 0x60], [0x60, 0x45]);
    assert.equal(bench.line.high, true);
  });

  it('holds keys while disabled, and loses them while scanning is off', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    bench.command(0xad);
    assert.deepEqual(bench.type('a'), []);
    bench.command(0xae);
    assert.deepEqual(bench.type(), [0x1e, 0x9e]);
    bench.keyboard(0xf5);
    assert.deepEqual(bench.type('a'), []);
    bench.keyboard(0xf4);
    assert.deepEqual(bench.type('a'), [0x1e, 0x9e]);
  });

  it('ignores bytes that are no scan code', () => {
    const bench = new Bench();
    bench.controller.press([0x00, 0x80]);
    assert.equal(bench.controller.nextEvent(), Infinity);
  });

  it('puts a byte of the CPU into the output buffer', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    output(bench.controller, [0x64, 0xd2], [0x60, 0x99]);
    assert.equal(bench.line.high, true);
    assert.deepEqual(bench.drain(), [0x99]);
    output(bench.controller, [0x64, 0xd3], [0x60, 0x77]);
    assert.equal(bench.status & 0x21, 0x21);
  });

  it('asks for a reset by pulsing the output port, and by writing it', () => {
    const bench = new Bench();
    let resets = 0;
    bench.controller.onReset.on(() => resets++);
    bench.command(0xff);
    bench.command(0xfd);
    assert.equal(resets, 0);
    bench.command(0xfe);
    assert.equal(resets, 1);
    bench.command(0xd1, 0xdf);
    assert.equal(resets, 1);
    assert.deepEqual(bench.command(0xd0), [0xc3]);
    bench.command(0xd1, 0x02);
    assert.equal(resets, 2);
  });

  it('says that A20 stays on', () => {
    const bench = new Bench();
    bench.command(0xd1, 0xdd);
    assert.deepEqual(bench.command(0xd0), [0xc1]);
    assert.deepEqual(bench.gaps, ['A20 switched off by the 8042: address line 20 is always on in this machine']);
  });

  it('comes back from its state with codes on the wire and a command half given', () => {
    const bench = new Bench();
    bench.command(0x60, 0x65);
    bench.controller.press([0x1e, 0x9e]);
    output(bench.controller, [0x64, 0x60]);
    const copy = new Bench();
    copy.controller.restore(throughJson(bench.controller.save()));
    for (const one of [bench, copy]) one.command(0x60, 0x45);
    assert.deepEqual(copy.type('b'), [0x1e, 0x9e, 0x30, 0xb0]);
    assert.deepEqual(bench.type('b'), [0x1e, 0x9e, 0x30, 0xb0]);
    assert.deepEqual(copy.controller.save(), bench.controller.save());
  });
});
