import type { Debuggee } from '../debugger/debuggee.ts';
import type { SlotHistory } from '../debugger/paravirt-view.ts';
import { slotDescription } from '../paravirt/slot-text.ts';
import type { PvOpsReply, PvOpsSlot } from './protocol.ts';

/** What the Paravirt Operations view shows. */
export function pvOpsReply({ target, paravirt }: Debuggee): PvOpsReply {
  const reading = paravirt.read();
  const instruction = target.instructions;
  if ('reason' in reading) return { instruction, groups: [], explanation: reading.reason };
  return {
    instruction,
    ...(reading.believes === undefined ? {} : { believes: reading.believes }),
    groups: reading.tables.map(({ table, slots }) => ({
      name: table.name,
      address: Number(table.address),
      slots: slots.map(slotReply),
    })),
  };
}

function slotReply({ slot, atEntry, changed }: SlotHistory): PvOpsSlot {
  return {
    name: slot.name,
    offset: slot.offset,
    address: Number(slot.address),
    target: Number(slot.target),
    backend: slot.backend,
    description: slotDescription(slot, atEntry),
    changed,
  };
}
