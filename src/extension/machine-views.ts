import { machineRows } from './model/machine-rows.ts';
import { pvOpsRows } from './model/pv-ops-rows.ts';
import { RowTree } from './row-tree.ts';
import type { Sessions } from './sessions.ts';

/** The view "Paravirt Operations": the slots of the image's pv_ops tables and what each holds. */
export function createPvOpsTree(sessions: Sessions): RowTree {
  return new RowTree('startOfDay.pvOpsTree', 'pvOps', sessions, async (session) => {
    const reply = await session.request('startOfDay/pvOps');
    if (reply === undefined) return undefined;
    return { rows: pvOpsRows(reply), message: reply.explanation };
  });
}

/** The view "Machine": what the loader promised, CPU, descriptor tables, devices and images. */
export function createMachineTree(sessions: Sessions): RowTree {
  return new RowTree('startOfDay.machine', 'machine', sessions, async (session) => {
    const reply = await session.request('startOfDay/machine');
    return reply === undefined ? undefined : { rows: machineRows(reply) };
  });
}
