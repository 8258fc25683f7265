import assert from 'node:assert/strict';
import { InterruptChip } from '../../../src/machine/interrupts/interrupt-chip.ts';
import { InterruptController } from '../../../src/machine/interrupts/interrupt-controller.ts';
import { input, output, throughJson } from '../support.ts';

/** The sequence of every kernel: vectors 0x20 and 0x28, cascade on 2, 8086 mode, everything unmasked. */
function remapped(icw4 = 0x01): InterruptController {
  const controller = new InterruptController();
  output(controller, [0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, icw4], [0x21, 0x00]);
  output(controller, [0xa0, 0x11], [0xa1, 0x28], [0xa1, 0x02], [0xa1, icw4], [0xa1, 0x00]);
  return controller;
}

/** ISR (OCW3 0x0b) or IRR (OCW3 0x0a) of the chip at a port. */
function register(controller: InterruptController, port: number, command: 0x0a | 0x0b): number {
  output(controller, [port, command]);
  return input(controller, port);
}

describe('8259A interrupt controllers', () => {
  it('are silent before initialisation', () => {
    const controller = new InterruptController();
    controller.line(0).raise();
    assert.equal(controller.pending(), false);
  });

  it('take the remap sequence and read the mask back', () => {
    const controller = remapped();
    output(controller, [0x21, 0xfb], [0xa1, 0x7e]);
    assert.equal(input(controller, 0x21), 0xfb);
    assert.equal(input(controller, 0xa1), 0x7e);
  });

  it('give the vector of ICW2 plus the level, on master and slave', () => {
    const controller = remapped();
    controller.line(1).raise();
    assert.equal(controller.pending(), true);
    assert.equal(register(controller, 0x20, 0x0a), 0x02);
    assert.equal(controller.acknowledge(), 0x21);
    assert.equal(register(controller, 0x20, 0x0a), 0x00);
    assert.equal(register(controller, 0x20, 0x0b), 0x02);
    output(controller, [0x20, 0x20]);
    controller.line(14).raise();
    assert.equal(controller.acknowledge(), 0x2e);
    assert.equal(register(controller, 0x20, 0x0b), 0x04);
    assert.equal(register(controller, 0xa0, 0x0b), 0x40);
  });

  it('serve in order of priority, the slave between IRQ 1 and IRQ 3', () => {
    const controller = remapped();
    for (const irq of [3, 8, 12, 1, 0]) controller.line(irq).raise();
    const served: number[] = [];
    while (controller.pending()) {
      const vector = controller.acknowledge();
      served.push(vector);
      if (vector >= 0x28) output(controller, [0xa0, 0x20]);
      output(controller, [0x20, 0x20]);
    }
    assert.deepEqual(served, [0x20, 0x21, 0x28, 0x2c, 0x23]);
  });

  it('let only a higher priority interrupt a service, until EOI', () => {
    const controller = remapped();
    controller.line(1).raise();
    controller.acknowledge();
    controller.line(3).raise();
    assert.equal(controller.pending(), false);
    controller.line(0).raise();
    assert.equal(controller.acknowledge(), 0x20);
    assert.equal(register(controller, 0x20, 0x0b), 0x03);
    // The non-specific EOI ends the highest in service.
    output(controller, [0x20, 0x20]);
    assert.equal(register(controller, 0x20, 0x0b), 0x02);
    assert.equal(controller.pending(), false);
    // Specific EOI of level 1.
    output(controller, [0x20, 0x61]);
    assert.equal(controller.acknowledge(), 0x23);
  });

  it('remember an edge under the mask and ask for one edge an interrupt', () => {
    const controller = remapped();
    const line = controller.line(4);
    output(controller, [0x21, 0x10]);
    line.raise();
    assert.equal(controller.pending(), false);
    assert.equal(register(controller, 0x20, 0x0a), 0x10);
    output(controller, [0x21, 0x00]);
    assert.equal(controller.acknowledge(), 0x24);
    output(controller, [0x20, 0x20]);
    line.raise();
    assert.equal(controller.pending(), false);
    line.lower();
    line.raise();
    assert.equal(controller.pending(), true);
  });

  it('ask again and again for a level, chosen by ICW1.LTIM or ELCR', () => {
    const controller = remapped();
    output(controller, [0x4d0, 0xff], [0x4d1, 0xff]);
    assert.equal(input(controller, 0x4d0), 0xf8);
    assert.equal(input(controller, 0x4d1), 0xde);
    controller.line(11).raise();
    for (let times = 0; times < 2; times++) {
      assert.equal(controller.acknowledge(), 0x2b);
      output(controller, [0xa0, 0x20], [0x20, 0x20]);
    }
    controller.line(11).lower();
    assert.equal(controller.pending(), false);
    output(controller, [0x4d0, 0x00], [0x20, 0x19], [0x21, 0x20], [0x21, 0x04], [0x21, 0x01]);
    controller.line(5).raise();
    controller.acknowledge();
    output(controller, [0x20, 0x20]);
    assert.equal(controller.pending(), true);
  });

  it('give the spurious interrupt when the request is gone: IR7 without an ISR bit', () => {
    const controller = remapped();
    controller.line(3).raise();
    controller.line(3).lower();
    assert.equal(controller.pending(), false);
    assert.equal(controller.acknowledge(), 0x27);
    assert.equal(register(controller, 0x20, 0x0b), 0x00);
  });

  it('are the same in the slave: its spurious interrupt is IR15', () => {
    const slave = new InterruptChip(0);
    for (const [odd, value] of [
      [false, 0x11],
      [true, 0x28],
      [true, 0x02],
      [true, 0x01],
    ] as const)
      slave.write(odd, value);
    slave.setLine(4, true);
    slave.setLine(4, false);
    assert.equal(slave.vector(slave.acknowledge()), 0x2f);
    slave.write(false, 0x0b);
    assert.equal(slave.read(false), 0x00);
  });

  it('drop the cascade line with a poll of the slave, and raise it for the next request', () => {
    const controller = remapped();
    controller.line(9).raise();
    output(controller, [0xa0, 0x0c]);
    assert.equal(input(controller, 0xa0), 0x81);
    assert.equal(controller.pending(), false);
    controller.line(10).raise();
    output(controller, [0xa0, 0x61]);
    assert.equal(controller.acknowledge(), 0x2a);
  });

  it('end by themselves in automatic EOI mode', () => {
    const controller = remapped(0x03);
    controller.line(0).raise();
    controller.line(9).raise();
    assert.equal(controller.acknowledge(), 0x20);
    assert.equal(register(controller, 0x20, 0x0b), 0x00);
    assert.equal(controller.acknowledge(), 0x29);
    assert.equal(register(controller, 0xa0, 0x0b), 0x00);
    assert.equal(controller.pending(), false);
  });

  it('rotate priorities', () => {
    const controller = remapped();
    // Set priority: level 5 lowest, so 6 is the highest.
    output(controller, [0x20, 0xc5]);
    controller.line(0).raise();
    controller.line(6).raise();
    assert.equal(controller.acknowledge(), 0x26);
    // Rotate on non-specific EOI: 6 becomes the lowest, then 7, then 0.
    output(controller, [0x20, 0xa0]);
    controller.line(6).lower();
    controller.line(6).raise();
    assert.equal(controller.acknowledge(), 0x20);
  });

  it('let lower levels through in special mask mode', () => {
    const controller = remapped();
    controller.line(1).raise();
    controller.acknowledge();
    controller.line(5).raise();
    output(controller, [0x21, 0x02], [0x20, 0x68]);
    assert.equal(controller.acknowledge(), 0x25);
    // The non-specific EOI leaves the masked level 1 alone.
    output(controller, [0x20, 0x20]);
    assert.equal(register(controller, 0x20, 0x0b), 0x02);
  });

  it('let a second slave interrupt through in special fully nested mode', () => {
    const controller = remapped();
    output(controller, [0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, 0x11]);
    controller.line(12).raise();
    assert.equal(controller.acknowledge(), 0x2c);
    controller.line(8).raise();
    assert.equal(controller.acknowledge(), 0x28);
  });

  it('answer a poll with the level', () => {
    const controller = remapped();
    output(controller, [0x20, 0x0c]);
    assert.equal(input(controller, 0x20), 0x00);
    controller.line(6).raise();
    output(controller, [0x20, 0x0c]);
    assert.equal(input(controller, 0x20), 0x86);
    assert.equal(register(controller, 0x20, 0x0b), 0x40);
  });

  it('forget edges and masks at ICW1', () => {
    const controller = remapped();
    output(controller, [0x21, 0xff]);
    controller.line(0).raise();
    output(controller, [0x20, 0x11]);
    assert.equal(controller.pending(), false);
    output(controller, [0x21, 0x08], [0x21, 0x04], [0x21, 0x01]);
    assert.equal(input(controller, 0x21), 0x00);
    assert.equal(controller.pending(), false);
    controller.line(0).lower();
    controller.line(0).raise();
    assert.equal(controller.acknowledge(), 0x08);
  });

  it('tell whether a line could reach the CPU', () => {
    const controller = remapped();
    output(controller, [0x21, 0xfd], [0xa1, 0xef]);
    assert.equal(controller.enabled(1), true);
    assert.equal(controller.enabled(0), false);
    assert.equal(controller.enabled(12), false);
    output(controller, [0x21, 0xf9]);
    assert.equal(controller.enabled(12), true);
  });

  it('come back from their state in the middle of a service and of an initialisation', () => {
    const controller = remapped();
    controller.line(1).raise();
    controller.line(10).raise();
    controller.acknowledge();
    output(controller, [0xa0, 0x11], [0xa1, 0x70]);
    const copy = new InterruptController();
    copy.restore(throughJson(controller.save()));
    for (const one of [controller, copy]) {
      output(one, [0xa1, 0x02], [0xa1, 0x01], [0x20, 0x20]);
      one.line(10).lower();
      one.line(10).raise();
    }
    assert.equal(copy.acknowledge(), 0x72);
    assert.equal(controller.acknowledge(), 0x72);
    assert.deepEqual(copy.save(), controller.save());
  });
});
