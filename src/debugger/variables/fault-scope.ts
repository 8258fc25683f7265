import { count } from '../../util/hex.ts';
import { describeErrorCode } from '../../x86/error-codes.ts';
import { exceptionFact, formatException } from '../../x86/exceptions.ts';
import { faultPlace, splitChain } from '../fault-text.ts';
import type { Inspection } from '../inspection.ts';
import type { VariableNode } from './node.ts';

/** The chain of faults that ended the run, the first one first. */
export function faultRows(inspection: Inspection): VariableNode[] {
  const { shutdown } = splitChain(inspection.fatal);
  return inspection.fatal.map((fault, index) => {
    const code = fault.errorCode === undefined ? undefined : describeErrorCode(fault.vector, fault.errorCode);
    const name = exceptionFact(fault.vector)?.name ?? `vector ${fault.vector}`;
    return {
      name: `${index + 1}`,
      value: `${fault === shutdown ? 'shutdown' : formatException(fault.vector, fault.errorCode)} · ${fault.reason}`,
      type: 'exception',
      children: () => [
        { name: 'exception', value: name },
        ...(code === undefined ? [] : [{ name: 'error code', value: code }]),
        {
          name: 'at',
          value: faultPlace(fault, { nameOf: (offset) => inspection.nameOfCode(offset) }),
          memory: inspection.codeAddress(fault.ip),
        },
        ...(fault.operands['address'] === undefined
          ? []
          : [
              {
                name: 'address',
                value: inspection.address(BigInt(fault.operands['address'])),
                memory: BigInt(fault.operands['address']),
              },
            ]),
        { name: 'instruction', value: count(fault.instruction) },
      ],
    };
  });
}
