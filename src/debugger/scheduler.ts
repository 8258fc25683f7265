/** The host's event loop, given by the composition root: nothing below it may know a host clock. */
export interface Scheduler {
  /** Milliseconds on a clock that only goes forward. It decides where runs are cut, and so nothing that a guest could see. */
  now(): number;
  /** Calls back in a later turn of the event loop, after input that has already arrived. */
  soon(callback: () => void): void;
  /** Calls back after about this many milliseconds, unless cancelled before. */
  later(callback: () => void, milliseconds: number): { cancel(): void };
}
