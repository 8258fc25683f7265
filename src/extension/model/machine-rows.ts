import type { MachineReply, MachineRow, MachineRowKind } from '../../adapter/protocol.ts';
import type { Row } from './row.ts';

const ICONS: Readonly<Record<MachineRowKind, string>> = {
  'start-of-day': 'milestone',
  promises: 'checklist',
  'promise-kept': 'pass',
  'promise-broken': 'error',
  'promise-none': 'circle-outline',
  'promise-set': 'edit',
  structure: 'symbol-structure',
  cpu: 'chip',
  'descriptor-tables': 'table',
  'descriptor-table': 'symbol-structure',
  descriptor: 'symbol-field',
  devices: 'circuit-board',
  device: 'extensions',
  screen: 'device-desktop',
  serial: 'terminal',
  images: 'library',
  image: 'file-binary',
  field: 'symbol-field',
};

/** The rows of the Machine view. The first node is unfolded: it says what the loader promised. */
export function machineRows(reply: MachineReply): readonly Row[] {
  return reply.rows.map((row, index) => ({ ...machineRow(row), open: index === 0 }));
}

function machineRow(row: MachineRow): Row {
  return {
    label: row.label,
    description: row.description,
    icon: ICONS[row.kind],
    iconColor: row.kind === 'promise-broken' ? 'list.errorForeground' : undefined,
    context: row.kind,
    children: row.children?.map(machineRow),
  };
}
