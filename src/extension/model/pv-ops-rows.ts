import type { PvOpsGroup, PvOpsReply, PvOpsSlot } from '../../adapter/protocol.ts';
import type { Backend } from '../../paravirt/backend.ts';
import type { Row } from './row.ts';

/** The rows of the Paravirt Operations view: one for each group with its slots, then what the kernel believes it runs on. */
export function pvOpsRows(reply: PvOpsReply): readonly Row[] {
  const groups = reply.groups.map(groupRow);
  if (reply.believes === undefined) return groups;
  return [...groups, { label: `Believes it runs on ${reply.believes}`, description: 'pv_info.name', icon: 'info' }];
}

function groupRow(group: PvOpsGroup): Row {
  const counts = new Map<Backend, number>();
  for (const slot of group.slots) counts.set(slot.backend, (counts.get(slot.backend) ?? 0) + 1);
  return {
    label: group.name,
    description: [...counts].map(([backend, count]) => `${backend} ${count}`).join(' · '),
    icon: 'table',
    children: group.slots.map(slotRow),
    open: true,
  };
}

function slotRow(slot: PvOpsSlot): Row {
  return {
    label: slot.name,
    description: slot.description,
    icon: slot.changed ? 'diff-modified' : 'symbol-method',
    context: 'slot',
    accessibleLabel: `${slot.name}, ${slot.description.replace(' · ', ', ')}`,
  };
}
