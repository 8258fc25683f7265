import type { HandlerSource } from '../cpu/cpu.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import type { Scheduler } from '../debugger/scheduler.ts';

/** What the adapter needs of the world around it. */
export interface AdapterHost {
  readonly scheduler: Scheduler;
  /** The interpreter's handlers, when they were built ahead of time. */
  readonly handlers: HandlerSource;
  /** The whole file. Throws StartOfDayError that names the file and why it cannot be read. */
  readFile(path: string): Promise<Uint8Array>;
  /** A hypervisor of the user's own. Throws StartOfDayError that names the file and what is wrong with it. */
  loadHypervisor(path: string): Promise<Hypervisor>;
  /** The client has left; nothing more will be asked. */
  disconnected(): void;
}
