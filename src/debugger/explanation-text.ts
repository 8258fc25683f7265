import { formatException } from '../x86/exceptions.ts';
import type { ExplainedOutcome, InstructionExplanation } from '../cpu/explainer.ts';
import { hex, registerHex } from '../util/hex.ts';
import type { Debuggee } from './debuggee.ts';
import { listCode } from './code-listing.ts';

/**
 * Every check the CPU would make for the instruction at a linear address, in its order, and what the instruction would change:
 * a line each. Nothing of the machine changes, and no device is asked.
 */
export function explainAt({ target, inspection, disassembler, code }: Debuggee, address: bigint): string {
  const explanation = target.explain(address);
  const row = listCode(disassembler, code, address, 0, 1)[0];
  const width = Math.max(...explanation.steps.map(({ subject }) => subject.length));
  const nameOf = (offset: number): string | undefined => inspection.nameOfCode(offset);
  return [
    `${inspection.address(address)}  ${row?.instruction?.text ?? '(no bytes)'}`,
    ...explanation.steps.map(({ passed, subject, text }) => `${passed ? '✓' : '✗'} ${subject.padEnd(width)}  ${text}`),
    ...changes(explanation),
    outcomeText(explanation.outcome, nameOf),
  ].join('\n');
}

function changes({ registers, memory }: InstructionExplanation): string[] {
  return [
    ...registers.map(({ name, before, after }) => {
      const bits = /^([C-GS]S|ES|LDTR|TR|F[CST]W)$/.test(name) ? 16 : 32;
      return `→ ${name} ${registerHex(before, bits)} becomes ${registerHex(after, bits)}`;
    }),
    ...memory.map(
      ({ physical, width, before, after }) =>
        `→ phys:${hex(physical, 8)} ${hex(before, width / 4)} becomes ${hex(after, width / 4)}`,
    ),
  ];
}

function outcomeText(outcome: ExplainedOutcome, nameOf: (offset: number) => string | undefined): string {
  const place = (ip: number): string => {
    const name = nameOf(ip);
    return `${hex(ip, 8)}${name === undefined ? '' : ` <${name}>`}`;
  };
  switch (outcome.kind) {
    case 'completes':
      return `completes; next is ${place(outcome.ip)}`;
    case 'faults': {
      const chain = outcome.chain.map(
        ({ vector, errorCode, reason }) => `${formatException(vector, errorCode)}: ${reason}`,
      );
      return [...chain, outcome.ip === undefined ? 'shutdown' : `enters the handler at ${place(outcome.ip)}`].join(
        '\n',
      );
    }
    case 'device':
      return `${outcome.access}: what follows depends on the answer, and looking asks no device`;
    case 'unimplemented':
      return `this machine has no ${outcome.what}`;
  }
}
