import { SEGMENT } from '../../../cpu/state.ts';
import { inProtectedMode } from '../../../cpu/system/operation.ts';
import { EFLAGS } from '../../../x86/eflags.ts';
import { BiosCall, type BiosHost, type BiosService } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';
import { clock, clockInterrupt, coprocessorInterrupt, timerTick } from './clock-service.ts';
import { disk } from './disk-service.ts';
import { keyboardInterrupt } from './keyboard-interrupt.ts';
import { keyboard } from './keyboard-service.ts';
import { noHandler } from './no-handler.ts';
import { ROM_SEGMENT, serviceAt, type ServiceName } from './rom.ts';
import { serial } from './serial-service.ts';
import { system, systemWait } from './system-service.ts';
import { video } from './video-service.ts';

const SERVICES: Readonly<Record<ServiceName, BiosService>> = {
  'timer-tick': timerTick,
  'clock-interrupt': clockInterrupt,
  'coprocessor-interrupt': coprocessorInterrupt,
  'keyboard-interrupt': keyboardInterrupt,
  'system-wait': systemWait,
  'no-handler': noHandler,
  video,
  disk,
  serial,
  system,
  keyboard,
  clock,
  equipment: (call) => {
    call.ax = call.read(DATA.equipment, 16);
  },
  'memory-size': (call) => {
    call.ax = call.read(DATA.memoryKib, 16);
  },
  printer: (call) => {
    // There is no printer port.
    call.carry = true;
  },
  'print-screen': (call) => {
    call.lacks('the screen is not printed');
  },
  reset: (call) => {
    call.host.end('shutdown', 'The guest jumped to the start of the BIOS (f000:e05b), which is a restart');
  },
  boot: (call) => {
    call.host.end('shutdown', `INT 0x19 at ${call.returnAddress} asked the BIOS to boot: there is no boot device`);
  },
  'no-basic': (call) => {
    call.host.end('shutdown', `INT 0x18 at ${call.returnAddress} gave up booting: there is no boot device`);
  },
};

/**
 * The PC's BIOS: the ROM's instructions (`rom.ts`) ask for a service by an OUT, and it is done here, in guest registers and memory alone.
 * Nothing is kept outside of them.
 */
export class Bios {
  private readonly host: BiosHost;

  constructor(host: BiosHost) {
    this.host = host;
  }

  /** Serves the OUT that is running; false when it is none of the ROM's. */
  serve(): boolean {
    const { cpu } = this.host;
    if (inProtectedMode(cpu)) return false;
    const { state, instruction } = cpu;
    const request = serviceAt(state.segmentBase(SEGMENT.cs) + instruction.ip - ROM_SEGMENT * 16);
    if (request === undefined) return false;
    const call = new BiosCall(this.host, request.vector);
    SERVICES[request.name](call);
    // What the ROM's next instruction looks at; the caller's flags are on the stack.
    state.eflags = call.repeat ? state.eflags | EFLAGS.CF : state.eflags & ~EFLAGS.CF;
    return true;
  }
}
