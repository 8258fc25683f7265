import { hex } from '../util/hex.ts';
import { targetName } from './backend.ts';
import type { ParavirtSlot } from './tables.ts';

/** What a row says of a slot: `xen · xen_irq_disable_direct, was native`. `before` is the slot at entry. */
export function slotDescription(slot: ParavirtSlot, before?: ParavirtSlot): string {
  const target = slot.symbols.length > 0 ? slot.symbols.map(targetName).join(', ') : hex(slot.target, 8);
  const held = slot.backend === 'null' ? 'null' : `${slot.backend} · ${target}`;
  return before === undefined || before.backend === slot.backend ? held : `${held}, was ${before.backend}`;
}
