import assert from 'node:assert/strict';
import { DmaController } from '../../../src/machine/chipset/dma-controller.ts';
import { PostPort } from '../../../src/machine/chipset/post-port.ts';
import { input, output, throughJson } from '../support.ts';

// Intel 8237A datasheet, "Register Description".
describe('8237A DMA controllers', () => {
  it('take 16-bit registers by bytes, low first; clearing the pointer starts over', () => {
    const dma = new DmaController(() => undefined);
    output(dma, [0x0c, 0], [0x02, 0x34], [0x02, 0x12], [0x02, 0x78]);
    output(dma, [0x0c, 0]);
    assert.deepEqual([input(dma, 0x02), input(dma, 0x02)], [0x78, 0x12]);
    output(dma, [0xd8, 0], [0xc6, 0xcd], [0xc6, 0xab]);
    assert.deepEqual([input(dma, 0xc6), input(dma, 0xc6)], [0xcd, 0xab]);
  });

  it('keep the pages, and come back from their state', () => {
    const dma = new DmaController(() => undefined);
    output(dma, [0x83, 0x42], [0x0a, 0x02], [0x0c, 0], [0x00, 0x11]);
    const copy = new DmaController(() => undefined);
    copy.restore(throughJson(dma.save()));
    assert.equal(input(copy, 0x83), 0x42);
    output(copy, [0x00, 0x22], [0x0c, 0]);
    assert.deepEqual([input(copy, 0x00), input(copy, 0x00)], [0x11, 0x22]);
    assert.equal(input(dma, 0x83), 0x42);
  });

  it('say when software asks for a transfer', () => {
    const gaps: string[] = [];
    const dma = new DmaController((what) => gaps.push(what));
    output(dma, [0x09, 0x04], [0x09, 0x00], [0xd2, 0x05]);
    assert.deepEqual(gaps, [
      'DMA transfer requested on channel 0 by port 0x09: no device moves data',
      'DMA transfer requested on channel 5 by port 0xd2: no device moves data',
    ]);
  });
});

describe('POST code port', () => {
  it('keeps the last value and tells it', () => {
    const post = new PostPort();
    output(post, [0x80, 0x2a]);
    assert.equal(input(post, 0x80), 0x2a);
    const copy = new PostPort();
    copy.restore(throughJson(post.save()));
    assert.equal(copy.summary, 'last 0x2a');
  });
});
