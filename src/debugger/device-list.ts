import type { Device } from '../machine/device.ts';
import type { Machine } from '../machine/machine.ts';
import type { UnclaimedAccess } from '../machine/unclaimed.ts';
import { hex } from '../util/hex.ts';

const NOBODY = 'Everything that the guest asked for was answered.';

/** The devices of a machine with their ports, physical memory and interrupt lines, and below them what nobody answered. */
export function deviceList({ devices, unclaimed }: Machine): string {
  const answered = unclaimed.length === 0;
  const gaps = answered ? NOBODY : table([['Nobody answered', 'Count', 'First at'], ...unclaimed.map(gapRow)]);
  return `${table([['Device', 'IRQ', 'Ports', 'Memory', 'State'], ...devices.all.map(deviceRow)])}\n\n${gaps}`;
}

function deviceRow({ name, interrupts = [], ports, memory = [], summary = '' }: Device): readonly string[] {
  const portText = ports.map(({ first, last }) => range(first, last, 3)).join(' ');
  const memoryText = memory.map(({ first, last }) => range(first, last, 8)).join(' ');
  return [name, interrupts.join(' '), portText, memoryText, summary];
}

function gapRow({ description, count, at = '' }: UnclaimedAccess): readonly string[] {
  return [description, count.toLocaleString('en-US'), at];
}

function range(first: number, last: number, digits: number): string {
  return first === last ? hex(first, digits) : `${hex(first, digits)}-${hex(last, digits)}`;
}

/** Columns two spaces apart; a column in which no row says anything is left out. */
function table(rows: readonly (readonly string[])[]): string {
  const [header = [], ...body] = rows;
  const columns = [...header.keys()].filter((column) => body.some((row) => row[column] !== ''));
  const widths = columns.map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      columns
        .map((column, n) => (row[column] ?? '').padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
