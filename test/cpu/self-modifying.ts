import { PLACE } from '../support/cpu-harness.ts';
import { Random } from '../support/random.ts';

/** Registers but ECX, which counts the turns. */
const TARGETS = [0, 2, 3, 4, 5, 6, 7];

/** The kinds of instruction in the loop, with their lengths in bytes. */
const LENGTH = { arithmetic: 6, increment: 6, storeRegister: 6, changeOperation: 7 } as const;
type Kind = keyof typeof LENGTH;
const STORES = ['increment', 'storeRegister', 'changeOperation'] as const;

/** Bytes of MOV ECX, imm32. */
const LOOP = 5;

/**
 * A random guest that changes its own instructions: a loop over arithmetic on registers and immediates, and over stores into the operation
 * or the immediate of such instructions, before them and behind, on their line of 64 bytes and on others. Halts after `turns` turns.
 */
export function selfModifyingGuest(seed: number, turns: number): Uint8Array {
  const random = new Random(seed);
  const kinds = Array.from({ length: 8 + random.below(random.oneIn(3) ? 600 : 40) }, (): Kind => {
    return random.below(5) === 0 ? random.pick(STORES) : 'arithmetic';
  });
  kinds[0] = 'arithmetic';
  const targets: number[] = [];
  let at = PLACE.code + LOOP;
  for (const kind of kinds) {
    if (kind === 'arithmetic') targets.push(at);
    at += LENGTH[kind];
  }
  // ADD OR ADC SBB AND SUB XOR CMP by the middle bits of ModR/M
  const modRm = (): number => 0xc0 | (random.below(8) << 3) | random.pick(TARGETS);
  const immediate = (): number[] => word(random.pick(targets) + 2 + random.below(4));
  const instruction = (kind: Kind): number[] => {
    switch (kind) {
      case 'arithmetic':
        return [0x81, modRm(), ...word(random.word())];
      case 'increment':
        return [0xfe, 0x05, ...immediate()];
      case 'storeRegister':
        return [0x88, 0x05 | (random.below(8) << 3), ...immediate()];
      case 'changeOperation':
        return [0xc6, 0x05, ...word(random.pick(targets) + 1), modRm()];
    }
  };
  const body = kinds.flatMap(instruction);
  // MOV ECX, turns; the body; DEC ECX; JNZ to the body; HLT
  return Uint8Array.of(0xb9, ...word(turns), ...body, 0x49, 0x0f, 0x85, ...word(-(body.length + 7)), 0xf4);
}

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
