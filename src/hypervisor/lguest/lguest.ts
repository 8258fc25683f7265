import {
  LGUEST_INTERFACES,
  LGUEST_PRIVILEGE,
  LGUEST_REVISIONS,
  LGUEST_TRAP_ENTRY,
  type LguestRevision,
} from '../../abi/lguest.ts';
import { CpuFault } from '../../cpu/fault.ts';
import type { DeviceState } from '../../machine/device.ts';
import { HypercallLog } from '../../machine/hypercall-log.ts';
import type { Supervisor, SupervisorHost, SupervisorState } from '../../machine/supervisor.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { SELECTOR_ERROR } from '../../x86/error-codes.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { callerOf, writePhysical } from '../guest-access.ts';
import type { Hypervisor, StartOfDay } from '../hypervisor.ts';
import { AddressSpace } from './address-space.ts';
import { LguestGuest } from './guest.ts';
import { LguestHypercalls, type LguestParts } from './hypercalls.ts';
import { VirtualInterrupts, type InterruptState } from './interrupts.ts';
import { Switcher } from './switcher.ts';
import { Traps } from './traps.ts';

/** `int $0x1f; nop`: what the host writes over a VMCALL of the guest (rewrite_hypercall). */
const INT_1F_NOP = Uint8Array.of(0xcd, LGUEST_TRAP_ENTRY, 0x90);
/** Video memory of a PC: an lguest guest has plain memory there. */
const VIDEO_MEMORY = { first: 0xa0000, last: 0xbffff } as const;

/**
 * The hypervisor of Linux 2.6.23 to 4.13 for 32-bit guests: the guest's kernel runs at privilege level 1 on page tables that it keeps and the
 * host mirrors, asks by INT 0x1f, and sees none of the machine's devices.
 */
export const lguest: Hypervisor = {
  name: 'lguest',
  label: 'lguest',
  attach: (host, start) => lguestUnder(host, start),
};

function lguestUnder(host: SupervisorHost, start: StartOfDay): Supervisor {
  const guest = new LguestGuest(host, LGUEST_INTERFACES[revisionOf(start)], start.guestMemory);
  const switcher = new Switcher(guest);
  const space = new AddressSpace(guest, switcher);
  const traps = new Traps(guest, space, switcher);
  const interrupts = new VirtualInterrupts(guest, traps);
  const log = new HypercallLog(() => host.cpu.retired);
  const parts: LguestParts = { guest, space, switcher, traps, interrupts };
  const hypercalls = new LguestHypercalls(parts, log);
  host.cpu.memory.setDevicePages(VIDEO_MEMORY.first, VIDEO_MEMORY.last, false);
  switcher.prepare();
  space.load();
  host.cpu.stateChanged();
  return {
    name: 'lguest',
    hypercalls: log,
    device: supervisorState(parts, hypercalls),
    interrupts,
    catchesFaults: () => traps.catchesFaults,
    intercepts: {
      hypercall: (instruction) => instruction === 'vmcall' && rewrite(guest),
      softwareInterrupt: (vector) => {
        if (vector !== LGUEST_TRAP_ENTRY) return traps.softwareInterrupt(vector);
        checkLevel(host);
        hypercalls.make();
        interrupts.look();
        return true;
      },
      exception: (fault) => {
        const outcome = traps.exception(fault);
        interrupts.look();
        return outcome;
      },
    },
  };
}

/** Which interface the guest speaks: the plan says, which found it in the guest's code. */
function revisionOf({ entry, revision }: StartOfDay): LguestRevision {
  const found = LGUEST_REVISIONS.find((one) => one === revision);
  if (found !== undefined) return found;
  throw new StartOfDayError({
    code: 'hypervisor-entry',
    blame: 'user',
    title: `lguest cannot stand under a kernel entered by ${entry}`,
    detail: 'Its guests are entered at privilege level 1, on page tables that it made',
    mend: 'Set "entry" to "lguest", or leave "hypervisor" out.',
  });
}

/** The gate of the hypercall has the DPL of the guest's kernel. */
function checkLevel({ cpu }: SupervisorHost): void {
  const { cpl } = cpu.state;
  if (cpl <= LGUEST_PRIVILEGE) return;
  const code = (LGUEST_TRAP_ENTRY * 8) | SELECTOR_ERROR.idt;
  throw new CpuFault(
    VECTOR.GP,
    code,
    `INT 0x1f: the gate's DPL is ${LGUEST_PRIVILEGE}, more privileged than CPL ${cpl}`,
    {
      cpl,
    },
  );
}

/** The first time a place asks by VMCALL the host writes INT 0x1f over it, and lets it run again. */
function rewrite(guest: LguestGuest): boolean {
  const { cpu } = guest.host;
  if (guest.interface.instruction !== 'vmcall' || cpu.state.cpl !== LGUEST_PRIVILEGE) return false;
  const at = callerOf(guest.host);
  for (const [n, byte] of INT_1F_NOP.entries())
    writePhysical(guest.host, cpu.memory.fetchAddress((at + n) >>> 0), Uint8Array.of(byte));
  cpu.state.ip = cpu.instruction.ip;
  return true;
}

/** What memory and CPU do not hold of the guest's state. */
interface SavedState {
  readonly data: number | undefined;
  readonly death: string | undefined;
  readonly directory: number;
  readonly linear: boolean;
  readonly nextInRing: number;
  readonly interrupts: InterruptState;
}

function supervisorState({ guest, space, interrupts }: LguestParts, hypercalls: LguestHypercalls): SupervisorState {
  return {
    name: 'lguest',
    nextEvent: () => interrupts.nextEvent(),
    advance: (now) => interrupts.advance(now),
    save: (): DeviceState => {
      const saved: SavedState = {
        data: guest.data,
        death: guest.death,
        directory: space.directory,
        linear: space.linear,
        nextInRing: hypercalls.nextInRing,
        interrupts: interrupts.save(),
      };
      return { ...saved };
    },
    restore: (state) => {
      const saved = state as unknown as SavedState;
      guest.data = saved.data;
      guest.death = saved.death;
      space.directory = saved.directory;
      space.linear = saved.linear;
      hypercalls.nextInRing = saved.nextInRing;
      interrupts.restore(saved.interrupts);
    },
  };
}
