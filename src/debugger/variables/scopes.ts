import type { Inspection } from '../inspection.ts';
import { controlRows, systemRows } from './control-scope.ts';
import { faultRows } from './fault-scope.ts';
import { floatingPointRows } from './floating-point-scope.ts';
import type { Scope } from './node.ts';
import { registerRows } from './registers-scope.ts';
import { segmentRows } from './segments-scope.ts';
import { startOfDayRows } from './boot-information.ts';
import { vectorRows } from './vector-scope.ts';

/** The groups of the Variables view. */
export function scopesOf(inspection: Inspection): Scope[] {
  const scope = (name: string, rows: Scope['rows'], expensive = false): Scope => ({ name, rows, expensive });
  return [
    scope('Registers', () => registerRows(inspection)),
    scope('Segments', () => segmentRows(inspection)),
    scope('Control', () => controlRows(inspection)),
    scope('System', () => systemRows(inspection), true),
    scope('Floating point', () => floatingPointRows(inspection), true),
    scope('MMX and SSE', () => vectorRows(inspection), true),
    ...(inspection.plan.information === undefined
      ? []
      : [scope('Start of Day', () => startOfDayRows(inspection), true)]),
    ...(inspection.fatal.length === 0 ? [] : [scope('Fault', () => faultRows(inspection))]),
  ];
}
