import type { Debuggee } from '../debugger/debuggee.ts';
import { descriptorTables } from '../debugger/descriptor-tables.ts';
import type { CheckedPromise } from '../debugger/entry-promises.ts';
import type { Inspection } from '../debugger/inspection.ts';
import { startOfDayRows } from '../debugger/variables/boot-information.ts';
import type { Device } from '../machine/device.ts';
import { symbolCount, type SymbolFile } from '../debugger/symbols.ts';
import type { VariableNode } from '../debugger/variables/node.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { cpuMode } from '../x86/cpu-mode.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { memoryReference } from './addresses.ts';
import type { MachineRow, MachineRowKind } from './protocol.ts';

/** Everything that the Machine view shows. */
export function machineRows(debuggee: Debuggee): MachineRow[] {
  const { inspection } = debuggee;
  return [startOfDay(debuggee), cpu(debuggee), tables(inspection), devices(debuggee), images(debuggee)];
}

function startOfDay({ inspection, promises }: Debuggee): MachineRow {
  const having = (verdict: CheckedPromise['verdict']): number =>
    promises.filter((promise) => promise.verdict === verdict).length;
  const verdicts = (['kept', 'broken', 'set', 'not promised'] as const)
    .filter((verdict) => having(verdict) > 0)
    .map((verdict) => `${having(verdict)} ${verdict}`)
    .join(', ');
  const structure = fields(startOfDayRows(inspection)).map((row) => ({ ...row, kind: 'structure' as const }));
  return {
    kind: 'start-of-day',
    label: 'Start of Day',
    description: `${inspection.plan.label} at ${inspection.address(inspection.codeAddress(inspection.plan.state.eip))}`,
    children: [
      { kind: 'promises', label: 'Promises', description: verdicts, children: promises.map(promiseRow) },
      ...structure,
    ],
  };
}

const PROMISE_KINDS: Readonly<Record<CheckedPromise['verdict'], MachineRowKind>> = {
  kept: 'promise-kept',
  broken: 'promise-broken',
  'not promised': 'promise-none',
  set: 'promise-set',
};

function promiseRow({ item, promise, atEntry, verdict }: CheckedPromise): MachineRow {
  const promised = promise === undefined ? '' : ` · promised ${promise}`;
  return { kind: PROMISE_KINDS[verdict], label: item, description: `${atEntry} · ${verdict}${promised}` };
}

function fields(nodes: readonly VariableNode[]): MachineRow[] {
  return nodes.map(({ name, value, memory, children }) => ({
    kind: 'field',
    label: name,
    description: value,
    ...(memory === undefined ? {} : { memoryReference: memoryReference(memory) }),
    ...(children === undefined ? {} : { children: fields(children()) }),
  }));
}

const MODES = {
  real: 'real mode',
  'virtual-8086': 'virtual-8086',
  'protected-16': '16-bit protected mode',
  'protected-32': '32-bit protected mode',
} as const;

/** The mode of the CPU in words: `32-bit protected mode`. */
function modeText(inspection: Inspection): string {
  return MODES[cpuMode(inspection.number('cr0'), inspection.number('eflags'), inspection.target.segment('cs').access)];
}

function cpu({ inspection, machine }: Debuggee): MachineRow {
  const paging = inspection.target.paging ? 'on' : 'off';
  const interrupts = (inspection.number('eflags') & EFLAGS.IF) !== 0 ? 'on' : 'off';
  const cpl = inspection.number('cpl');
  const field = (label: string, description: string): MachineRow => ({ kind: 'field', label, description });
  return {
    kind: 'cpu',
    label: 'CPU',
    description: `${modeText(inspection)}, paging ${paging}, CPL ${cpl}`,
    children: [
      field('Mode', modeText(inspection)),
      field('Paging', paging),
      field('Privilege level', `${cpl}`),
      field('Interrupts', interrupts),
      field(
        'Faults',
        machine.catchesFaults ? 'the kernel has handlers' : 'nobody catches one yet: no IDT since the entry',
      ),
      field('Instructions', count(inspection.target.instructions)),
      field('Exceptions', count(inspection.target.faults().length)),
    ],
  };
}

function tables(inspection: Inspection): MachineRow {
  const rows = descriptorTables(inspection).map(({ name, base, limit, entries }): MachineRow => {
    const filled = entries.length === 0 ? 'empty' : `${entries.length} in use`;
    return {
      kind: 'descriptor-table',
      label: name,
      description: `${hex(base, 8)} limit ${hex(limit, 4)} · ${filled}`,
      memoryReference: memoryReference(BigInt(base)),
      children: entries.map((entry) => ({
        kind: 'descriptor',
        label: entry.name,
        description: entry.text,
        memoryReference: memoryReference(entry.address),
      })),
    };
  });
  const summary = rows.map(({ label, description }) => `${label} ${description.split(' · ').at(-1) ?? ''}`).join(', ');
  return { kind: 'descriptor-tables', label: 'Descriptor Tables', description: summary, children: rows };
}

function devices({ machine }: Debuggee): MachineRow {
  const { devices: known, unclaimed } = machine;
  const device = (one: Device): MachineRow => ({
    kind: one === known.screen ? 'screen' : one === known.serial ? 'serial' : 'device',
    label: one.name,
    description: one.summary ?? '',
  });
  const missing: MachineRow[] =
    unclaimed.length === 0
      ? []
      : [
          {
            kind: 'field',
            label: 'Nobody answered',
            description: `${unclaimed.length} ${unclaimed.length === 1 ? 'access' : 'accesses'}`,
            children: unclaimed.map((access) => ({
              kind: 'field',
              label: access.description,
              description: `×${count(access.count)}`,
            })),
          },
        ];
  return {
    kind: 'devices',
    label: 'Devices',
    description: binarySize(machine.memory.size),
    children: [...known.all.map(device), ...missing],
  };
}

function symbolsText(file: SymbolFile): string {
  const symbols = symbolCount(file);
  if (symbols === undefined) return 'not opened yet';
  if (symbols > 0) return `${count(symbols)} symbols`;
  return file.problem === undefined ? 'no symbols' : `no symbols: ${file.problem}`;
}

function images({ symbolFiles }: Debuggee): MachineRow {
  return {
    kind: 'images',
    label: 'Images',
    description: '',
    children: symbolFiles.map((file) => ({
      kind: 'image',
      label: file.name,
      description: symbolsText(file),
    })),
  };
}
