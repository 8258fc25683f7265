import { SYSTEM_TYPE } from './descriptor.ts';

/** A gate descriptor's fields (SDM 3, 5.8.3 and 6.11). */
export interface Gate {
  readonly kind: 'call' | 'interrupt' | 'trap' | 'task';
  /** Size in bits of what a transfer through it pushes; a task gate has none. */
  readonly width: 16 | 32 | undefined;
  /** Target code segment, or the TSS of a task gate. */
  readonly selector: number;
  /** Entry point in the target segment; 16-bit gates hold 16 bits. 0 for a task gate. */
  readonly offset: number;
  /** Words or double words that a call gate copies between stacks, 0..31. */
  readonly parameters: number;
  readonly dpl: number;
  readonly present: boolean;
}

const KINDS: Readonly<Record<number, Pick<Gate, 'kind' | 'width'>>> = {
  [SYSTEM_TYPE.callGate16]: { kind: 'call', width: 16 },
  [SYSTEM_TYPE.taskGate]: { kind: 'task', width: undefined },
  [SYSTEM_TYPE.interruptGate16]: { kind: 'interrupt', width: 16 },
  [SYSTEM_TYPE.trapGate16]: { kind: 'trap', width: 16 },
  [SYSTEM_TYPE.callGate32]: { kind: 'call', width: 32 },
  [SYSTEM_TYPE.interruptGate32]: { kind: 'interrupt', width: 32 },
  [SYSTEM_TYPE.trapGate32]: { kind: 'trap', width: 32 },
};

/** Takes a gate apart; undefined when the two words are not a gate. */
export function decodeGate(low: number, high: number): Gate | undefined {
  const isSystem = (high & (1 << 12)) === 0;
  const form = isSystem ? KINDS[(high >>> 8) & 15] : undefined;
  if (form === undefined) return undefined;
  return {
    ...form,
    selector: low >>> 16,
    offset:
      form.width === undefined ? 0 : form.width === 16 ? low & 0xffff : ((high & 0xffff0000) | (low & 0xffff)) >>> 0,
    parameters: form.kind === 'call' ? high & 31 : 0,
    dpl: (high >>> 13) & 3,
    present: (high & (1 << 15)) !== 0,
  };
}
