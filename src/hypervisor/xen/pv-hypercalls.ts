import { SUB_OPERATIONS, XEN_ERRNO } from '../../abi/xen/hypercalls.ts';
import type { HypercallLog } from '../../machine/hypercall-log.ts';
import { hex } from '../../util/hex.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { ConsoleRing, GuestLog } from './console.ts';
import type { DescriptorTables } from './descriptor-tables.ts';
import type { Domain } from './domain.ts';
import type { Events } from './events.ts';
import type { Frames } from './frames.ts';
import type { GrantTable } from './grant-table.ts';
import { describeCall, hypercallWords, type HypercallWords } from './hypercall-names.ts';
import { xenVersion } from './information.ts';
import { BATCH, type BatchResult, type MemoryHypercalls } from './memory-hypercalls.ts';
import type { PageTables } from './page-tables.ts';
import type { PrivilegedInstructions } from './privileged.ts';
import { memoryOperation } from './reservations.ts';
import type { Scheduling } from './scheduling.ts';
import type { SharedPage } from './shared-page.ts';
import type { Timers } from './timers.ts';
import type { Traps } from './traps.ts';
import { vcpuOperation } from './vcpu-operations.ts';
import type { WritableTables } from './writable-tables.ts';
import { XenError } from './xen-error.ts';

/** What the hypercalls of a PV guest reach. */
export interface PvParts {
  readonly domain: Domain;
  readonly frames: Frames;
  readonly tables: PageTables;
  readonly descriptors: DescriptorTables;
  readonly memory: MemoryHypercalls;
  readonly shared: SharedPage;
  readonly events: Events;
  readonly timers: Timers;
  readonly traps: Traps;
  readonly privileged: PrivilegedInstructions;
  readonly scheduling: Scheduling;
  readonly writable: WritableTables;
  readonly console: ConsoleRing;
  readonly log: GuestLog;
  readonly grants: GrantTable;
}

/** A result; a batch that may not be at its end; or nothing, where the call sets EAX itself. */
type Result = number | BatchResult | undefined;
type Handler = (words: HypercallWords) => Result;

/** Hypercalls that Xen has for domains with privileges. */
const PRIVILEGED: ReadonlySet<number> = new Set([7, 22, 35, 36, 37]);
/** Those that came after Xen 4.2, are not for 32-bit PV guests, or depend on how Xen was built. */
const ABSENT: ReadonlySet<number> = new Set([25, 27, 31, 34, 38, 39, 40, 41, 42]);
const MULTICALL = 13;
const IRET = 23;
const MULTICALL_ENTRY = 32;

/** INT 0x82 of a PV guest: number in EAX, arguments in EBX ECX EDX ESI EDI EBP, the result in EAX. */
export class PvHypercalls {
  private readonly parts: PvParts;
  private readonly log: HypercallLog;
  private readonly handlers: ReadonlyMap<number, Handler>;

  constructor(parts: PvParts, log: HypercallLog) {
    this.parts = parts;
    this.log = log;
    this.handlers = new Map([...tableHandlers(parts), ...operationHandlers(parts), ...otherHandlers(parts)]);
  }

  /** EIP is behind the instruction. */
  call(): void {
    const { domain } = this.parts;
    const { cpu } = domain.host;
    const number = cpu.state.register32(REGISTER.eax);
    const words = hypercallWords(domain);
    const call = describeCall(domain, number, words);
    this.log.make(call, () => {
      const result = number === MULTICALL ? this.multicall(words) : this.perform(number, words);
      if (result === undefined) return undefined;
      if (typeof result === 'number') {
        cpu.state.setRegister32(REGISTER.eax, result >>> 0);
        return result;
      }
      if (result.rest === undefined) cpu.state.setRegister32(REGISTER.eax, result.result >>> 0);
      else this.resume(result.rest);
      return result.result;
    });
  }

  /** The rest of a long call is made by running the instruction again, as when Xen preempts one. */
  private resume({ requests, count }: NonNullable<BatchResult['rest']>): void {
    const { cpu } = this.parts.domain.host;
    cpu.state.setRegister32(REGISTER.ebx, requests >>> 0);
    cpu.state.setRegister32(REGISTER.ecx, count >>> 0);
    cpu.state.ip = cpu.instruction.ip;
  }

  private perform(number: number, words: HypercallWords): Result {
    const { host } = this.parts.domain;
    const handler = this.handlers.get(number);
    try {
      if (handler !== undefined) return handler(words);
      if (PRIVILEGED.has(number)) throw new XenError('EPERM', 'the domain has no privileges');
      if (ABSENT.has(number)) throw new XenError('ENOSYS', 'Xen 4.2 has no such hypercall for a 32-bit PV guest');
      throw new XenError('ENOSYS', `there is no hypercall ${number}`);
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      const { name } = describeCall(this.parts.domain, number, words);
      host.reportGap(`Xen: ${name} gives -${error.errno}: ${error.reason}`);
      return error.result;
    }
  }

  /** {u32 op, u32 result, u32 args[6]} each. */
  private multicall([list, count]: HypercallWords): Result {
    const { guest } = this.parts.domain;
    try {
      for (let n = 0; n < Math.min(count, BATCH); n++) {
        const at = list + n * MULTICALL_ENTRY;
        const number = guest.read32(at);
        const word = (index: number): number => guest.read32(at + 8 + index * 4);
        const result =
          number === MULTICALL
            ? -XEN_ERRNO.EINVAL
            : this.perform(number, [word(0), word(1), word(2), word(3), word(4), word(5)]);
        // The guest has gone on somewhere else: what the list still holds is not for that state (XSA-213).
        if (number === IRET) return undefined;
        if (typeof result === 'object' && result.rest !== undefined) {
          guest.write32(at + 8, result.rest.requests);
          guest.write32(at + 12, result.rest.count);
          return { result: 0, rest: { requests: at, count: count - n } };
        }
        guest.write32(at + 4, typeof result === 'object' ? result.result : (result ?? 0));
      }
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      this.parts.domain.host.reportGap(`Xen: multicall gives -${error.errno}: ${error.reason}`);
      return error.result;
    }
    if (count <= BATCH) return 0;
    return { result: 0, rest: { requests: list + BATCH * MULTICALL_ENTRY, count: count - BATCH } };
  }
}

/** Memory, descriptors, traps. */
function tableHandlers({ traps, memory, descriptors, privileged, domain }: PvParts): (readonly [number, Handler])[] {
  return [
    [0, ([table]) => traps.setTable(table)],
    [1, ([requests, count, done, domid]) => memory.mmuUpdate(requests, count, done, domid)],
    [2, ([frames, entries]) => descriptors.setGdt(frames, entries)],
    [3, ([ss, esp]) => traps.setStack(ss, esp)],
    [4, ([cs, eip, failsafeCs, failsafeEip]) => traps.setCallbacks({ cs, eip }, { cs: failsafeCs, eip: failsafeEip })],
    [5, ([set]) => privileged.setTaskSwitched(set !== 0)],
    [
      8,
      ([register, value]) => {
        if (register < 8 && privileged.writeDebug(register, value)) return 0;
        throw new XenError('EINVAL', `debug register ${register} cannot be ${hex(value, 8)}`);
      },
    ],
    [
      9,
      ([register]) => {
        if (register > 7 || register === 4 || register === 5)
          throw new XenError('EINVAL', `there is no debug register ${register}`);
        return domain.host.cpu.state.debugRegister(register);
      },
    ],
    [
      10,
      ([low, high, descriptorLow, descriptorHigh]) =>
        descriptors.update(low + high * 0x1_0000_0000, descriptorLow, descriptorHigh),
    ],
    [14, ([va, low, high]) => memory.updateMapping(va, low, high)],
    [
      23,
      () => {
        traps.returnFrom();
        return undefined;
      },
    ],
    [26, ([operations, count, done, domid]) => memory.extended(operations, count, done, domid)],
    [30, ([cmd, arg]) => traps.callback(cmd, arg)],
  ];
}

/** Time, events, what runs. */
function operationHandlers(parts: PvParts): (readonly [number, Handler])[] {
  const { scheduling, events, timers, domain, shared, frames, tables, privileged } = parts;
  const physical: Handler = ([cmd, arg]) => {
    switch (cmd) {
      case 5: // irq_status_query {u32 irq, out u32 flags}
        domain.guest.write32(arg + 4, 0);
        return 0;
      case 6:
        return privileged.setIoPrivilege(domain.guest.read32(arg));
      case 7:
        return 0;
      case 12:
        return 0;
      default:
        throw new XenError('EPERM', `physdev_op ${cmd} is for domains with devices`);
    }
  };
  return [
    [6, ([cmd, arg]) => scheduling.operateCompatible(cmd, arg)],
    [12, ([cmd, arg]) => memoryOperation(domain, tables.layout, frames, cmd, arg)],
    [
      15,
      ([low, high]) => {
        timers.setOneShot(BigInt(low) | (BigInt(high) << 32n));
        return 0;
      },
    ],
    [16, ([op]) => events.operate(domain.guest.read32(op), op + 4)],
    [19, ([op]) => physical([domain.guest.read32(op), op + 4, 0, 0, 0, 0])],
    [
      24,
      ([cmd, vcpu, arg]) =>
        vcpuOperation(domain, { shared, timers, owned: (frame) => frames.owned(frame) }, [cmd, vcpu, arg]),
    ],
    [29, ([cmd, arg]) => scheduling.operate(cmd, arg)],
    [32, ([cmd, arg]) => events.operate(cmd, arg)],
    [33, physical],
  ];
}

/** What the guest asks of Xen itself. */
function otherHandlers({ domain, tables, writable, log, grants }: PvParts): (readonly [number, Handler])[] {
  return [
    [17, ([cmd, buffer]) => xenVersion(domain, tables.layout.hole, cmd, buffer)],
    [18, ([cmd, count, buffer]) => log.operate(cmd, count, buffer)],
    [20, ([cmd, array, count]) => grants.operate(cmd, array, count)],
    [21, ([cmd, type]) => assist(writable, cmd, type)],
    [
      28,
      ([cmd]) => {
        if (cmd === 0 || cmd === 1) return 0;
        throw new XenError('ENOSYS', `there is no nmi_op ${cmd}`);
      },
    ],
  ];
}

const ASSISTS = [
  '4gb_segments',
  '4gb_segments_notify',
  'writable_pagetables',
  'pae_extended_cr3',
  'architectural_iopl',
  'runstate_update_flag',
];

function assist(writable: WritableTables, cmd: number, type: number): number {
  const name = ASSISTS[type];
  // Xen 4.2 has the first four.
  if (name === undefined || type > 3) throw new XenError('EINVAL', `Xen 4.2 has no vm_assist ${name ?? type}`);
  if (cmd > 1)
    throw new XenError('ENOSYS', `there is no vm_assist command ${SUB_OPERATIONS['vm_assist']?.[cmd] ?? cmd}`);
  if (name === 'writable_pagetables') writable.enabled = cmd === 0;
  return 0;
}
