import { SUB_OPERATIONS, XEN_HYPERCALLS } from '../../abi/xen/hypercalls.ts';
import type { Hypercall, HypercallArgument } from '../../machine/hypercall-log.ts';
import { hex } from '../../util/hex.ts';
import { REGISTER } from '../../x86/registers.ts';
import { callerOf } from '../guest-access.ts';
import type { Domain } from './domain.ts';
import { XenError } from './xen-error.ts';

const ARGUMENT_REGISTERS = [
  REGISTER.ebx,
  REGISTER.ecx,
  REGISTER.edx,
  REGISTER.esi,
  REGISTER.edi,
  REGISTER.ebp,
] as const;
const FACTS = new Map(XEN_HYPERCALLS.map((one) => [one.number, one]));
/** Items of a list that are named. */
const NAMED = 4;

/** The six words that a hypercall may take. */
export type HypercallWords = readonly [number, number, number, number, number, number];

export function hypercallWords({ host }: Domain): HypercallWords {
  const [a, b, c, d, e, f] = ARGUMENT_REGISTERS.map((register) => host.cpu.state.register32(register));
  return [a ?? 0, b ?? 0, c ?? 0, d ?? 0, e ?? 0, f ?? 0];
}

/** A hypercall with its name, and its arguments as far as they have a meaning. */
export function describeCall(domain: Domain, number: number, words: HypercallWords): Hypercall {
  const fact = FACTS.get(number);
  const caller = callerOf(domain.host);
  if (fact === undefined) {
    const given = words.map((value, n) => ({ name: `a${n}`, value: BigInt(value) }));
    return { number, name: `hypercall_${number}`, arguments: given, caller };
  }
  const sub = fact.arguments[0] === 'cmd' ? SUB_OPERATIONS[fact.name]?.[words[0]] : undefined;
  const given = fact.arguments.map((name, n): HypercallArgument => {
    const value = BigInt(words[n] ?? 0);
    const text = textOf(domain, fact.name, name, words, sub);
    return text === undefined ? { name, value } : { name, value, text };
  });
  return { number, name: sub === undefined ? fact.name : `${fact.name}.${sub}`, arguments: given, caller };
}

function textOf(
  domain: Domain,
  call: string,
  argument: string,
  words: HypercallWords,
  sub: string | undefined,
): string | undefined {
  if (argument === 'cmd') return sub;
  switch (`${call}.${argument}`) {
    case 'mmuext_op.ops':
      return listOf(domain, words, 12, (at) => {
        const cmd = domain.guest.read32(at);
        return `${SUB_OPERATIONS['mmuext_op']?.[cmd] ?? `op ${cmd}`} ${hex(domain.guest.read32(at + 4))}`;
      });
    case 'mmu_update.requests':
      return listOf(
        domain,
        words,
        16,
        (at) => `${hex(domain.guest.read64(at))} := ${hex(domain.guest.read64(at + 8))}`,
      );
    case 'multicall.calls':
      return listOf(domain, words, 32, (at) => FACTS.get(domain.guest.read32(at))?.name ?? 'unknown');
    case 'sched_op.arg':
      return sub === 'shutdown' ? peek(() => `reason ${domain.guest.read32(words[1])}`) : undefined;
    case 'event_channel_op.arg':
      return sub === 'send' || sub === 'close' || sub === 'unmask'
        ? peek(() => `port ${domain.guest.read32(words[1])}`)
        : undefined;
    default:
      return undefined;
  }
}

/** The first items of a list whose address and length are the first two words. */
function listOf(
  domain: Domain,
  [at, given]: HypercallWords,
  size: number,
  each: (at: number) => string,
): string | undefined {
  const count = given & 0x7fffffff;
  const shown = Array.from({ length: Math.min(count, NAMED) }, (_, n) => at + n * size);
  return peek(() => `[${shown.map(each).join(', ')}${count > NAMED ? ', …' : ''}]`);
}

/** Undefined where the guest's memory cannot be read. */
function peek(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof XenError) return undefined;
    throw error;
  }
}
