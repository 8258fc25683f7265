import { hex } from '../../../util/hex.ts';
import { exceptionFact } from '../../../x86/exceptions.ts';
import type { BiosCall } from './bios-call.ts';

const PIC = { master: 0x20, slave: 0xa0 } as const;
const READ_IN_SERVICE = 0x0b;
const END_OF_INTERRUPT = 0x20;
const MASTER_VECTORS = 0x08;
const SLAVE_VECTORS = 0x70;

/**
 * A vector that still points into the ROM and that nobody there serves. An interrupt of a device is acknowledged and listed; anything
 * else ends the run, by name: a BIOS that returns from it would hide a fault or a missing service.
 */
export function noHandler(call: BiosCall): void {
  const { vector = 0 } = call;
  const irq = interruptInService(call, vector);
  if (irq !== undefined) {
    if (irq >= 8) call.output(PIC.slave, END_OF_INTERRUPT);
    call.output(PIC.master, END_OF_INTERRUPT);
    call.host.report(
      `IRQ ${irq} came and its vector ${hex(vector, 2)} leads to the BIOS, which has no use for it`,
      `IRQ ${irq}`,
    );
    return;
  }
  const exception = exceptionFact(vector);
  const registers = `AX=${hex(call.ax, 4)} BX=${hex(call.bx, 4)} CX=${hex(call.cx, 4)} DX=${hex(call.dx, 4)}`;
  const what =
    exception === undefined
      ? `INT ${hex(vector, 2)} (${registers}), which this BIOS does not have`
      : `a handler for ${exception.mnemonic} (${exception.name}); vector ${vector} leads to the BIOS, which has none`;
  call.host.end('unimplemented', `At ${call.returnAddress} the guest needs ${what}`);
}

/** The interrupt request that is being handled, if the vector is one of the controllers' and they say so. */
function interruptInService(call: BiosCall, vector: number): number | undefined {
  const inService = (port: number, level: number): boolean => {
    call.output(port, READ_IN_SERVICE);
    return (call.input(port) & (1 << level)) !== 0;
  };
  const master = vector - MASTER_VECTORS;
  if (master >= 0 && master < 8) return inService(PIC.master, master) ? master : undefined;
  const slave = vector - SLAVE_VECTORS;
  return slave >= 0 && slave < 8 && inService(PIC.slave, slave) ? slave + 8 : undefined;
}
