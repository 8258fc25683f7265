import type { AccessWidth } from '../../../cpu/context.ts';
import type { BiosCall } from './bios-call.ts';

const PORT = { address: 0xcf8, data: 0xcfc } as const;
const ENABLE = 0x80000000;
const STATUS = { success: 0x00, unsupported: 0x81, notFound: 0x86, badRegister: 0x87 } as const;
/** "PCI " */
const SIGNATURE = 0x20494350;
const VERSION = 0x0210;
/** Devices on bus 0, which is the only one, and their functions. */
const FUNCTIONS_ON_BUS = 32 * 8;
const CONFIGURATION_REGISTERS = 256;
const REGISTER = { identity: 0x00, classCode: 0x08 } as const;
const WIDTHS: readonly AccessWidth[] = [8, 16, 32];

/** INT 1Ah AH=B1h: the PCI BIOS (PCI BIOS Specification 2.1), without its 32-bit entry and without interrupt routing. */
export function pciService(call: BiosCall): void {
  const access = WIDTHS[(call.al - 0x08) % 3];
  switch (call.al) {
    case 0x01:
      // Configuration mechanism 1, last bus 0, no protected-mode entry.
      call.al = 1;
      call.bx = VERSION;
      call.cl = 0;
      call.edx = SIGNATURE;
      call.edi = 0;
      call.succeed(STATUS.success);
      return;
    case 0x02:
      find(call, REGISTER.identity, 0, call.cx * 0x10000 + call.dx);
      return;
    case 0x03:
      find(call, REGISTER.classCode, 8, call.ecx);
      return;
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d:
      configure(call, access ?? 8, call.al >= 0x0b);
      return;
    default:
      call.lacks();
      call.fail(STATUS.unsupported);
  }
}

/** Function number SI, from 0, of those whose double word at `register`, shifted, is `wanted`. */
function find(call: BiosCall, register: number, shift: number, wanted: number): void {
  let left = call.si;
  for (let place = 0; place < FUNCTIONS_ON_BUS; place++) {
    select(call, place, register);
    if (call.input(PORT.data, 32) >>> shift !== wanted || left-- > 0) continue;
    call.bx = place;
    call.succeed(STATUS.success);
    return;
  }
  call.fail(STATUS.notFound);
}

/** Register DI of function BX; the value is in CL, CX or ECX. */
function configure(call: BiosCall, width: AccessWidth, write: boolean): void {
  const register = call.di;
  if (register >= CONFIGURATION_REGISTERS || register % (width / 8) !== 0) {
    call.fail(STATUS.badRegister);
    return;
  }
  select(call, call.bx, register);
  const port = PORT.data + (register & 3);
  if (write) call.output(port, width === 32 ? call.ecx : call.ecx & (2 ** width - 1), width);
  else if (width === 32) call.ecx = call.input(port, 32);
  else if (width === 16) call.cx = call.input(port, 16);
  else call.cl = call.input(port);
  call.succeed(STATUS.success);
}

function select(call: BiosCall, place: number, register: number): void {
  call.output(PORT.address, ENABLE + place * 0x100 + (register & 0xfc), 32);
}
