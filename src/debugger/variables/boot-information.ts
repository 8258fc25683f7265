import type { BootInformation, GeneralRegister } from '../../boot/protocol.ts';
import { decodeInformation } from '../../boot/information.ts';
import type { InformationNode } from '../../boot/information-node.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { hex } from '../../util/hex.ts';
import type { Inspection } from '../inspection.ts';
import type { VariableNode } from './node.ts';

/** The structure that the loader left for the kernel, as memory holds it now. */
export function informationRows(inspection: Inspection, information: BootInformation): VariableNode[] {
  const read = (address: number, length: number): Uint8Array => readPhysical(inspection, address, length);
  const { children = [] } = decodeInformation(read, information);
  return children.map((node) => toRow(inspection, node));
}

/** The structure, while a register still points to it as it did at entry. */
export function informationAt(inspection: Inspection, register: GeneralRegister): BootInformation | undefined {
  const { information } = inspection.plan;
  if (information?.register !== register) return undefined;
  const points = inspection.number(register) === (information.linear ?? information.address);
  return points ? information : undefined;
}

/** The scope that keeps the structure in reach when no register points to it any more. */
export function startOfDayRows(inspection: Inspection): VariableNode[] {
  const { information } = inspection.plan;
  if (information === undefined) return [];
  return [
    {
      name: information.kind,
      value: `${hex(information.address, 8)} · ${information.register.toUpperCase()} at entry`,
      type: information.kind,
      ...pointer(inspection, information.address),
      children: () => informationRows(inspection, information),
    },
  ];
}

function toRow(inspection: Inspection, node: InformationNode): VariableNode {
  const { name, text, present, size, type, children } = node;
  return {
    name,
    value: text,
    type: !present ? '-' : (type ?? (size <= 8 ? `uint${size * 8}` : name)),
    ...pointer(inspection, node.pointer),
    ...(children === undefined ? {} : { children: () => children.map((child) => toRow(inspection, child)) }),
  };
}

/** The structure holds physical addresses, which are linear ones only while paging is off. */
function pointer({ target }: Inspection, address: number | undefined): Pick<VariableNode, 'memory' | 'menu'> {
  return address === undefined || target.paging ? {} : { memory: BigInt(address), menu: 'pointer' };
}

function readPhysical({ target }: Inspection, address: number, length: number): Uint8Array {
  const bytes = target.read('physical', BigInt(address), length);
  if (bytes.length === length) return bytes;
  throw new StartOfDayError({
    code: 'memory-out-of-range',
    blame: 'guest',
    title: `phys:${hex(address, 8)} is outside the machine's memory`,
  });
}
