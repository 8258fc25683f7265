import assert from 'node:assert/strict';
import { A20Gate } from '../../../src/machine/input/a20-gate.ts';
import { KeyboardController } from '../../../src/machine/input/keyboard-controller.ts';
import { pressAndRelease } from '../../../src/machine/input/scan-codes.ts';
import { input, output, TestClock, TestLine, throughJson } from '../support.ts';

class Bench {
  readonly clock = new TestClock();
  readonly line = new TestLine();
  readonly mouseLine = new TestLine();
  readonly a20 = new A20Gate();
  readonly gaps: string[] = [];
  readonly controller = new KeyboardController(
    this.clock,
    { keyboard: this.line, mouse: this.mouseLine },
    this.a20,
    (what) => this.gaps.push(what),
  );

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

  /** Bytes to the mouse, and what comes back. */
  mouse(...bytes: number[]): number[] {
    return bytes.flatMap((byte) => this.command(0xd4, byte));
  }

  /** Presses and releases keys and reads the codes as they arrive. */
  type(...keys: string[]): number[] {
    this.controller.press(keys.flatMap((key) => pressAndRelease(key)));
    return this.arriving();
  }

  /** Lets time pass and reads what comes over the wires. */
  arriving(): number[] {
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
    // A20 on, reset line high, both wires idle.
    assert.deepEqual(bench.command(0xd0), [0xcf]);
    // No password, clock and data of the keyboard high.
    assert.deepEqual(bench.command(0xa4), [0xf1]);
    assert.deepEqual(bench.command(0xe0), [0x03]);
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
    assert.deepEqual(bench.keyboard(0xf0, 0x04), [0xfa, 0xfe]);
    assert.deepEqual(bench.keyboard(0xe1), [0xfe]);
    assert.deepEqual(bench.command(0x01), []);
    assert.deepEqual(bench.command(0xa5, 0x1e), []);
    assert.deepEqual(bench.keyboard(0x00), []);
    // A refused command gets 0xfe, the next refused one 0xfc; a rate that the mouse does not have is refused too.
    assert.deepEqual(bench.mouse(0x10, 0x11), [0xfe, 0xfc]);
    assert.deepEqual(bench.mouse(0xf3, 0x21, 0xe8, 0x04), [0xfa, 0xfe, 0xfa, 0xfe]);
    assert.deepEqual(bench.gaps, [
      'keyboard command 0xe1: this keyboard has no such command',
      '8042 command 0x01: this controller has no such command',
      '8042 command 0xa5: this controller does not lock the keyboard by a password',
      'PS/2 mouse command 0x10: this mouse has no such command',
      'PS/2 mouse command 0x11: this mouse has no such command',
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

  it('gives set 3: one code a key, releases only of the keys that are to say so', () => {
    const bench = new Bench();
    bench.command(0x60, 0x25);
    assert.deepEqual(bench.keyboard(0xf0, 0x03, 0xf0, 0x00), [0xfa, 0xfa, 0xfa, 0xfa, 0x03]);
    assert.deepEqual(bench.type('a', 'ArrowUp', 'F7'), [0x1c, 0xf0, 0x1c, 0x63, 0xf0, 0x63, 0x37, 0xf0, 0x37]);
    // 0xf9: all keys make only; 0xfc: but these say their release too.
    assert.deepEqual(bench.keyboard(0xf9, 0xfc, 0x1c), [0xfa, 0xfa, 0xfa]);
    assert.deepEqual(bench.type('a', 'ArrowUp'), [0x1c, 0xf0, 0x1c, 0x63]);
    bench.keyboard(0xfa);
    assert.deepEqual(bench.type('ArrowUp'), [0x63, 0xf0, 0x63]);
  });

  it('resends the last byte on 0xfe', () => {
    const bench = new Bench();
    bench.command(0x60, 0x25);
    assert.deepEqual(bench.keyboard(0xf2, 0xfe), [0xfa, 0xab, 0x83, 0x83]);
    assert.deepEqual(bench.type('a'), [0x1c, 0xf0, 0x1c]);
    assert.deepEqual(bench.keyboard(0xfe), [0x1c]);
  });

  it('keeps 31 bytes of memory for the guest behind the command byte', () => {
    const bench = new Bench();
    bench.command(0x7f, 0x5a);
    assert.deepEqual(bench.command(0x3f), [0x5a]);
    assert.deepEqual(bench.command(0x3e), [0x00]);
  });

  it('opens and closes the A20 gate by its output port and by 0xdd and 0xdf', () => {
    const bench = new Bench();
    const seen: boolean[] = [];
    bench.a20.onChange.on((on) => seen.push(on));
    bench.command(0xd1, 0xdd);
    assert.deepEqual(bench.command(0xd0), [0xcd]);
    bench.command(0xd1, 0xdf);
    bench.command(0xdd);
    bench.command(0xdf);
    assert.deepEqual(seen, [false, true, false, true]);
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
    assert.deepEqual(bench.command(0xd0), [0xcf]);
    bench.command(0xd1, 0x02);
    assert.equal(resets, 2);
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

// IBM PS/2 Technical Reference, "Mouse"; Microsoft, "IntelliMouse" for the wheel.
describe('PS/2 mouse', () => {
  const started = (...commands: number[]): Bench => {
    const bench = new Bench();
    bench.command(0x60, 0x47);
    bench.mouse(...commands, 0xf4);
    return bench;
  };

  it('answers a reset with its self-test and identity, and says where its answers come from', () => {
    const bench = new Bench();
    output(bench.controller, [0x64, 0xd4], [0x60, 0xff]);
    assert.equal(bench.status & 0x21, 0x21);
    assert.deepEqual(bench.drain(), [0xfa, 0xaa, 0x00]);
    assert.equal(bench.status & 0x21, 0);
    assert.deepEqual(bench.mouse(0xf2), [0xfa, 0x00]);
  });

  it('tells its status: mode, reporting, scaling, buttons, then resolution and rate', () => {
    const bench = new Bench();
    assert.deepEqual(bench.mouse(0xe9), [0xfa, 0x00, 0x02, 100]);
    bench.mouse(0xf4, 0xe7, 0xe8, 0x03, 0xf3, 40);
    bench.controller.pressMouse(0b001);
    assert.deepEqual(bench.mouse(0xe9), [0xfa, 0x34, 0x03, 40]);
    bench.mouse(0xf0);
    bench.controller.pressMouse(0b110);
    assert.deepEqual(bench.mouse(0xe9), [0xfa, 0x73, 0x03, 40]);
    bench.mouse(0xf6);
    assert.deepEqual(bench.mouse(0xe9), [0xfa, 0x03, 0x02, 100]);
  });

  it('sends three bytes: buttons and signs, right, up', () => {
    const bench = started();
    bench.controller.moveMouse(5, 3, 0);
    assert.deepEqual(bench.arriving(), [0x28, 0x05, 0xfd]);
    bench.controller.moveMouse(-1, -2, 0);
    assert.deepEqual(bench.arriving(), [0x18, 0xff, 0x02]);
    bench.controller.pressMouse(0b101);
    assert.deepEqual(bench.arriving(), [0x0d, 0x00, 0x00]);
    bench.controller.pressMouse(0b101);
    assert.deepEqual(bench.arriving(), []);
  });

  it('sends more than nine bits in several packets, a sample apart', () => {
    const bench = started();
    bench.controller.moveMouse(300, 0, 0);
    const start = bench.controller.nextEvent();
    assert.deepEqual(bench.arriving(), [0x08, 0xff, 0x00, 0x08, 0x2d, 0x00]);
    // 100 samples a second; then three bytes of a millisecond each.
    assert.equal(bench.clock.now, start + 1_000_000 + 300_000);
  });

  it('interrupts by IRQ 12 for each byte, never by IRQ 1', () => {
    const bench = started();
    const { edges } = bench.mouseLine;
    const keyboardEdges = bench.line.edges;
    bench.controller.moveMouse(1, 0, 0);
    assert.equal(bench.arriving().length, 3);
    assert.equal(bench.mouseLine.edges, edges + 3);
    assert.equal(bench.line.edges, keyboardEdges);
    bench.command(0x60, 0x45);
    bench.controller.moveMouse(1, 0, 0);
    assert.equal(bench.arriving().length, 3);
    assert.equal(bench.mouseLine.edges, edges + 3);
  });

  it('scales 2:1 in stream mode only: 1 1 3 6 9 and from there twice', () => {
    const bench = started(0xe7);
    const sent = [1, 2, 3, 4, 5, 6, 7].map((dx) => {
      bench.controller.moveMouse(dx, 0, 0);
      return bench.arriving()[1];
    });
    assert.deepEqual(sent, [1, 1, 3, 6, 9, 12, 14]);
    bench.controller.moveMouse(4, 0, 0);
    assert.deepEqual(bench.mouse(0xeb), [0xfa, 0x08, 0x04, 0x00]);
  });

  it('gets a wheel by the rates 200, 100, 80 and two more buttons by 200, 200, 80', () => {
    const bench = started(0xf3, 200, 0xf3, 100, 0xf3, 80);
    assert.deepEqual(bench.mouse(0xf2), [0xfa, 0x03]);
    bench.controller.moveMouse(0, 0, -1);
    assert.deepEqual(bench.arriving(), [0x08, 0x00, 0x00, 0xff]);
    bench.mouse(0xf3, 200, 0xf3, 200, 0xf3, 80);
    assert.deepEqual(bench.mouse(0xf2), [0xfa, 0x04]);
    bench.controller.pressMouse(0b10000);
    bench.controller.moveMouse(0, 0, 1);
    assert.deepEqual(bench.arriving(), [0x08, 0x00, 0x00, 0x21]);
    assert.deepEqual(bench.mouse(0xff, 0xf2), [0xfa, 0xaa, 0x00, 0xfa, 0x00]);
    const hasty = started(0xf3, 200, 0xf3, 200, 0xf3, 80);
    assert.deepEqual(hasty.mouse(0xf2), [0xfa, 0x00]);
  });

  it('says nothing unasked in remote mode, and loses movement while reports are off', () => {
    const bench = started(0xf0);
    bench.controller.moveMouse(7, 0, 0);
    assert.deepEqual(bench.arriving(), []);
    assert.deepEqual(bench.mouse(0xeb), [0xfa, 0x08, 0x07, 0x00]);
    bench.mouse(0xea, 0xf5);
    bench.controller.moveMouse(7, 0, 0);
    bench.mouse(0xf4);
    assert.deepEqual(bench.arriving(), []);
  });

  it('echoes in wrap mode all but 0xec and 0xff', () => {
    const bench = new Bench();
    assert.deepEqual(bench.mouse(0xee, 0x12, 0xf2, 0xee, 0xec, 0xf2), [0xfa, 0x12, 0xf2, 0xee, 0xfa, 0xfa, 0x00]);
  });

  it('is held back while disabled by the controller, until a byte is sent to it', () => {
    const bench = started();
    bench.command(0xa7);
    bench.controller.moveMouse(1, 0, 0);
    assert.deepEqual(bench.arriving(), []);
    bench.command(0xa8);
    assert.deepEqual(bench.arriving(), [0x08, 0x01, 0x00]);
    bench.command(0xa7);
    bench.mouse(0xe6);
    assert.deepEqual(bench.command(0x20), [0x47]);
  });

  it('lets the keyboard go first', () => {
    const bench = started();
    bench.controller.moveMouse(1, 0, 0);
    bench.controller.press([0x1e]);
    assert.deepEqual(bench.arriving(), [0x1e, 0x08, 0x01, 0x00]);
  });

  it('comes back from its state in the middle of a packet', () => {
    const bench = started();
    bench.controller.moveMouse(5, 0, 0);
    bench.controller.advance((bench.clock.now = bench.controller.nextEvent()));
    bench.controller.advance((bench.clock.now = bench.controller.nextEvent()));
    assert.deepEqual(bench.drain(), [0x08]);
    const copy = new Bench();
    copy.clock.now = bench.clock.now;
    copy.controller.restore(throughJson(bench.controller.save()));
    assert.deepEqual(copy.arriving(), [0x05, 0x00]);
  });
});
