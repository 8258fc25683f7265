import { GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { CONSOLE_RING } from '../../abi/xen/rings.ts';
import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { Domain } from './domain.ts';
import { LONGEST_COPY } from './guest-access.ts';
import { XenError } from './xen-error.ts';

/** Bytes typed that wait for room in the ring. */
const LONGEST_QUEUE = 4096;
const LINE_FEED = 10;

/** What the guest says to Xen itself, by HYPERVISOR_console_io: each line marked as Xen marks it, to be told from the console ring. */
export class GuestLog {
  private readonly domain: Domain;
  private inLine = false;

  constructor(domain: Domain) {
    this.domain = domain;
  }

  /** {cmd, count, buffer}: nothing is ever there to be read. */
  operate(cmd: number, count: number, buffer: number): number {
    if (cmd === 1) return 0;
    if (cmd !== 0) throw new XenError('ENOSYS', `there is no console_io ${cmd}`);
    if (count > LONGEST_COPY)
      throw new XenError('EFAULT', `console_io of ${count} bytes; ${LONGEST_COPY} are the most`);
    for (const byte of this.domain.guest.bytes(buffer, count)) {
      if (!this.inLine) this.domain.host.print(`(d${GUEST_DOMAIN}) `);
      this.domain.host.print(String.fromCharCode(byte));
      this.inLine = byte !== LINE_FEED;
    }
    return 0;
  }

  save(): DeviceState {
    return { inLine: this.inLine };
  }
  restore(state: DeviceState): void {
    this.inLine = (state as { inLine: boolean }).inLine;
  }
}

/** The backend of the console: takes what the guest has put into its ring, and puts there what is typed. */
export class ConsoleRing {
  private readonly domain: Domain;
  private readonly machine: number;
  private readonly notify: () => void;
  private waiting: number[] = [];

  /** `machine`: address of the ring's page. `notify` raises the console's event channel. */
  constructor(domain: Domain, frame: number, notify: () => void) {
    this.domain = domain;
    this.machine = frame * PAGE_SIZE;
    this.notify = notify;
  }

  /** The guest has notified: prints what is new, and gives what could not be given before. */
  kick(): void {
    const { outputConsumer, outputProducer, output, outputSize } = CONSOLE_RING;
    const { memory } = this.domain.host.cpu;
    const producer = this.index(outputProducer);
    const consumer = this.index(outputConsumer);
    const length = (producer - consumer) >>> 0;
    if (length > 0 && length <= outputSize) {
      const text = Array.from({ length }, (_, n) =>
        String.fromCharCode(memory.readPhysical(this.machine + output + ((consumer + n) & (outputSize - 1)), 8)),
      );
      this.domain.host.print(text.join(''));
      memory.writePhysical(this.machine + outputConsumer, 32, producer);
      this.notify();
    } else if (length > outputSize) {
      this.domain.host.reportGap(
        `Xen: the console ring holds ${length} bytes by its indices, more than its ${outputSize}`,
      );
    }
    this.give();
  }

  type(bytes: Iterable<number>): void {
    this.waiting = [...this.waiting, ...bytes].slice(0, LONGEST_QUEUE);
    this.give();
  }

  save(): DeviceState {
    return { waiting: this.waiting };
  }
  restore(state: DeviceState): void {
    this.waiting = [...(state as { waiting: number[] }).waiting];
  }

  private give(): void {
    const { inputConsumer, inputProducer, input, inputSize } = CONSOLE_RING;
    const { memory } = this.domain.host.cpu;
    let producer = this.index(inputProducer);
    const free = inputSize - ((producer - this.index(inputConsumer)) >>> 0);
    const given = this.waiting.splice(0, Math.max(0, free));
    if (given.length === 0) return;
    for (const byte of given) memory.writePhysical(this.machine + input + (producer++ & (inputSize - 1)), 8, byte);
    memory.writePhysical(this.machine + inputProducer, 32, producer >>> 0);
    this.notify();
  }

  private index(offset: number): number {
    return this.domain.host.cpu.memory.readPhysical(this.machine + offset, 32) >>> 0;
  }
}
