import type { GeneralRegister } from '../../boot/protocol.ts';
import type { Inspection } from '../inspection.ts';
import type { VariableNode } from './node.ts';

export function informationOf(
  inspection: Inspection,
): { kind: string; address: number; rows: () => readonly VariableNode[] } | undefined {
  const { information } = inspection.plan;
  if (information === undefined) return undefined;
  return { kind: information.kind, address: information.address, rows: () => [] };
}
export function informationNode(inspection: Inspection, register: GeneralRegister) {
  const { information } = inspection.plan;
  if (information?.register !== register || inspection.number(register) !== information.address) return undefined;
  return informationOf(inspection);
}
export function startOfDayRows(inspection: Inspection): readonly VariableNode[] {
  return informationOf(inspection)?.rows() ?? [];
}
