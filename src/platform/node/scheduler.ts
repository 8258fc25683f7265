import type { Scheduler } from '../../debugger/scheduler.ts';

/** Node's event loop: `setImmediate` comes after the input that has arrived. */
export const nodeScheduler: Scheduler = {
  now: () => performance.now(),
  soon: (callback) => void setImmediate(callback),
  later: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timer) };
  },
};
