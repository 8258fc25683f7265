import assert from 'node:assert/strict';
import { PciConfiguration } from '../../../src/machine/chipset/pci-configuration.ts';
import { throughJson } from '../support.ts';

function bench() {
  const reports: string[] = [];
  const pci = new PciConfiguration((what) => reports.push(what));
  const select = (address: number): void => pci.portWrite(0xcf8, 32, address);
  return { pci, reports, select };
}

describe('PCI configuration mechanism 1', () => {
  it('has host bridge, ISA bridge and power management on bus 0 and nothing else', () => {
    const { pci, select } = bench();
    const found: string[] = [];
    for (let place = 0; place < 0x10000; place++) {
      select(0x80000000 + place * 0x100);
      const identity = pci.portRead(0xcfc, 32);
      if (identity !== 0xffffffff) found.push(`${place.toString(16)}: ${identity.toString(16)}`);
    }
    assert.deepEqual(found, ['0: 12378086', '8: 70008086', 'b: 71138086']);
  });

  it('keeps enable, bus, device, function and register of the address (PCI 2.1, 3.7.4.1)', () => {
    const { pci, select } = bench();
    select(0xffffffff);
    assert.equal(pci.portRead(0xcf8, 32), 0x80fffffc);
    select(0);
    assert.equal(pci.portRead(0xcfc, 32), 0xffffffff);
  });

  it('reads and writes bytes and words at their places', () => {
    const { pci, select } = bench();
    select(0x80000800);
    assert.equal(pci.portRead(0xcfe, 16), 0x7000);
    assert.equal(pci.portRead(0xcfd, 8), 0x80);
    assert.equal(pci.portRead(0xcfd, 16), 0x0080);
    select(0x80000860);
    pci.portWrite(0xcfd, 8, 0x80);
    pci.portWrite(0xcfe, 16, 0xffff);
    assert.equal(pci.portRead(0xcfc, 32), 0x8f8f800a);
    // The word at 0xcff has one byte in the data register.
    assert.equal(pci.portRead(0xcff, 16), 0xff8f);
  });

  it('changes in the header only what a command register can be told; a function without a BAR sizes as zero', () => {
    const { pci, select, reports } = bench();
    for (const register of [0x00, 0x08, 0x10, 0x24, 0x30]) {
      select(0x80000b00 + register);
      const before = pci.portRead(0xcfc, 32);
      pci.portWrite(0xcfc, 32, 0xffffffff);
      assert.equal(pci.portRead(0xcfc, 32), before);
    }
    select(0x80000b04);
    pci.portWrite(0xcfc, 32, 0xffffffff);
    assert.equal(pci.portRead(0xcfc, 32), 0x02800107);
    assert.deepEqual(reports, []);
  });

  it('reports what the chipset here cannot do: moved power management ports, switched shadow RAM, narrow addresses', () => {
    const { pci, select, reports } = bench();
    select(0x80000b40);
    pci.portWrite(0xcfc, 32, 0x0000b001);
    assert.equal(pci.portRead(0xcfc, 32), 0x00000601);
    select(0x80000058);
    pci.portWrite(0xcfd, 8, 0x00);
    assert.equal(pci.portRead(0xcfd, 8), 0x30);
    pci.portWrite(0xcf8, 8, 0);
    assert.equal(pci.portRead(0xcf8, 16), 0xffff);
    assert.deepEqual(reports, [
      'PCI 00:01.3: write of 0xb0 to configuration register 0x41',
      'PCI 00:00.0: write of 0x00 to configuration register 0x59',
      'access of 8 bits to port 0xcf8: the PCI configuration address takes 32',
      'access of 16 bits to port 0xcf8: the PCI configuration address takes 32',
    ]);
  });

  it('comes back from its state', () => {
    const { pci, select } = bench();
    select(0x80000860);
    pci.portWrite(0xcfc, 8, 0x85);
    const copy = bench();
    copy.pci.restore(throughJson(pci.save()));
    assert.deepEqual(copy.pci.save(), pci.save());
    assert.equal(copy.pci.portRead(0xcfc, 8), 0x85);
  });
});
