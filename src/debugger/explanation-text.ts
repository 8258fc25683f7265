import { formatException } from '../x86/exceptions.ts';
import type { ExplainedOutcome, InstructionExplanation } from '../cpu/explainer.ts';
import { hex, registerHex } from '../util/hex.ts';
import type { Debuggee } from './debuggee.ts';
import type { WideValue } from '../cpu/explained-registers.ts';
import { listCode } from './code-listing.ts';
import { extendedText } from './extended-text.ts';

/**
 * Every check the CPU would make for the instruction at a linear address, in its order, and what the instruction would change:
 * a line each. Nothing of the machine changes, and no device is asked.
 */
export function explainAt(
  { target, inspection, disassembler, code }: Pick<Debuggee, 'target' | 'inspection' | 'disassembler' | 'code'>,
  address: bigint,
): string {
  const explanation = target.explain(address);
  const row = listCode(disassembler, code, address, 0, 1)[0];
  const width = Math.max(...explanation.steps.map(({ subject }) => subject.length));
  const nameOf = (offset: number): string | undefined => inspection.nameOfCode(offset);
  return [
    `${inspection.address(address)}  ${row?.instruction?.text ?? '(no bytes)'}`,
    ...explanation.steps.map(({ passed, subject, text }) => `${passed ? '✓' : '✗'} ${subject.padEnd(width)}  ${text}`),
    ...explanation.wideOperands.map(({ name, value }) => `  ${name} is ${wideText(name, value)}`),
    ...changes(explanation),
    outcomeText(explanation.outcome, nameOf),
  ].join('\n');
}

function changes({ registers, memory, wideChanges }: InstructionExplanation): string[] {
  return [
    ...registers.map(({ name, before, after }) => {
      const bits = /^([C-GS]S|ES|LDTR|TR|F[CST]W)$/.test(name) ? 16 : 32;
      return `→ ${name} ${registerHex(before, bits)} becomes ${registerHex(after, bits)}`;
    }),
    ...wideChanges.map(
      ({ name, before, after }) => `→ ${name} ${wideText(name, before)} becomes ${wideText(name, after)}`,
    ),
    ...memory.map(
      ({ physical, width, before, after }) =>
        `→ phys:${hex(physical, 8)} ${hex(before, width / 4)} becomes ${hex(after, width / 4)}`,
    ),
  ];
}

/** An x87 register as number and bits; others as words of 32 bits, the highest first. */
function wideText(name: string, value: WideValue): string {
  if (typeof value !== 'bigint') return extendedText(value);
  const digits = registerHex(value, name.startsWith('XMM') ? 128 : 64);
  return digits.replace(/\B(?=(?:.{8})+$)(?<!x)/g, '_');
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
