import { PLACE } from '../support/cpu-harness.ts';
import type { Random } from '../support/random.ts';

const REGISTERS = ['eax', 'ecx', 'edx', 'ebx', 'esi', 'edi', 'ebp'] as const;
const BYTES = ['al', 'ah', 'cl', 'ch', 'dl', 'dh', 'bl', 'bh'] as const;
const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'] as const;
const ARITHMETIC = ['add', 'sub', 'and', 'or', 'xor', 'cmp', 'adc', 'sbb', 'test'] as const;
const SHIFTS = ['shl', 'shr', 'sar', 'rol', 'ror', 'rcl', 'rcr'] as const;
const BLOCKS = 12;
const FUNCTIONS = 3;

/**
 * A program that never ends: blocks that jump, call, loop and fall through to each other at random, with data in its own page, and now
 * and then a write into its own instructions. GNU as, Intel syntax.
 */
export function randomProgram(random: Random): string {
  const block = (n: number): string => `b${n}: ${many(random, 1 + random.below(6))}\n ${ending(random, n)}`;
  const body = (n: number): string => `f${n}: ${many(random, 1 + random.below(4))}\n ret`;
  return `
    mov eax, 12345
    ${Array.from({ length: BLOCKS }, (_, n) => block(n)).join('\n')}
    jmp b0
    ${Array.from({ length: FUNCTIONS }, (_, n) => body(n)).join('\n')}
    .balign 64
    table: .long ${Array.from({ length: 4 }, () => `b${random.below(BLOCKS)}`).join(', ')}
    .balign 64
    beside: .fill 16, 4, 0x1234567
    .balign 4096
    other: ${many(random, 3)}
    jmp b${random.below(BLOCKS)}`;
}

const many = (random: Random, count: number): string =>
  Array.from({ length: count }, () => operation(random)).join('\n ');

function memory(random: Random): string {
  const place = random.pick(['beside + 32', String(PLACE.data), String(PLACE.data + 0xffe), String(PLACE.data + 64)]);
  return `dword ptr [${place}]`;
}

function operation(random: Random): string {
  const register = random.pick(REGISTERS);
  const byte = random.pick(BYTES);
  switch (random.below(24)) {
    case 0:
    case 1:
    case 2:
      return `${random.pick(ARITHMETIC)} ${register}, ${random.pick(REGISTERS)}`;
    case 3:
      return `${random.pick(ARITHMETIC)} ${memory(random)}, ${register}`;
    case 4:
      return `${random.pick(ARITHMETIC)} ${byte}, ${random.pick(BYTES)}`;
    case 5:
      return `${random.pick(ARITHMETIC)} ${register}, ${random.word() | 0}`;
    case 6:
      return `${random.pick(['inc', 'dec', 'neg', 'not', 'bswap'])} ${register}`;
    case 7:
      return `${random.pick(['inc', 'dec', 'neg', 'not'])} ${memory(random)}`;
    case 8:
      return `mov ${register}, ${memory(random)}`;
    case 9:
      return `mov ${memory(random)}, ${register}`;
    case 10:
      return `${random.pick(SHIFTS)} ${register}, ${random.below(33)}`;
    case 11:
      return `${random.pick(SHIFTS)} ${memory(random)}, cl`;
    case 12:
      return `set${random.pick(CONDITIONS)} ${byte}`;
    case 13:
      return `cmov${random.pick(CONDITIONS)} ${register}, ${random.pick(REGISTERS)}`;
    case 14:
      return `push ${register}\n pop ${random.pick(REGISTERS)}`;
    case 15:
      return `pushfd\n pop ${register}`;
    case 16:
      return `call f${random.below(FUNCTIONS)}`;
    case 17:
      return `mov ecx, ${random.below(5)}\n mov edi, ${PLACE.data + 0xff0 + random.below(16)}\n rep ${random.pick(['stosb', 'stosd'])}`;
    case 18:
      return `mov ecx, 6\n mov edi, ${PLACE.data}\n ${random.pick(['repne', 'repe'])} scasb`;
    case 19:
      return `lea ${register}, [${random.pick(REGISTERS)} + ${random.pick(REGISTERS)}*4 + 7]`;
    case 20:
      return `1: add ebx, ${random.below(100)}\n ${random.oneIn(2) ? 'inc byte ptr [1b + 2]' : 'nop'}`;
    case 21:
      return random.oneIn(2) ? random.pick(['cpuid', 'pushad\n lea esp, [esp + 32]']) : `movzx ${register}, ${byte}`;
    case 22:
      return random.oneIn(3) ? 'mov edx, cr3\n mov cr3, edx' : `xchg ${memory(random)}, ${register}`;
    default:
      return `imul ${register}, ${random.pick(REGISTERS)}`;
  }
}

/** Forward, or back three times out of four: whatever the numbers are, every part is reached again and again. */
function ending(random: Random, number: number): string {
  const forward = number + 1 < BLOCKS ? `b${number + 1 + random.below(Math.min(4, BLOCKS - number - 1))}` : 'b0';
  const back = `b${random.below(number + 1)}`;
  const backAgain = `inc byte ptr [beside + ${number}]\n test byte ptr [beside + ${number}], 3\n jnz ${back}`;
  switch (random.below(9)) {
    case 0:
      return `jmp ${forward}`;
    case 1:
      return 'inc dword ptr [beside + 16]\n mov eax, [beside + 16]\n and eax, 3\n jmp dword ptr [table + eax*4]';
    case 2:
      return 'dec byte ptr [beside + 20]\n test byte ptr [beside + 20], 3\n jz other';
    case 3:
      return `jecxz 8f\n jmp ${forward}\n 8:`;
    case 4:
      return `and ecx, 15\n inc ecx\n 9: add edx, ecx\n loop 9b`;
    case 5:
      return '';
    case 6:
    case 7:
      return backAgain;
    default:
      return `j${random.pick(CONDITIONS)} ${forward}`;
  }
}
