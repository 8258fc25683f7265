import { StartOfDayError } from '../../util/errors.ts';
import { INT, UNSIGNED } from './types.ts';
import type { IntegerType } from './types.ts';

export type Token = { readonly at: number } & (
  | { readonly kind: 'number'; readonly value: bigint; readonly type: IntegerType }
  /** `sigil` tells a register that was written `$eax` or `%eax` from a bare name. */
  | { readonly kind: 'name'; readonly text: string; readonly sigil: boolean }
  | { readonly kind: 'operator'; readonly text: string }
  | { readonly kind: 'end' }
);

const PATTERN =
  /\s*(?:(?<number>0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)(?<suffix>[uUlL]*)(?![\w.])|'(?<character>[^'\\]|\\[0abtnvfr\\'"])'|(?<register>[$%][A-Za-z][\w.]*)|(?<name>[A-Za-z_.][\w.$@]*)|(?<operator><<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>?:()[\].]))/y;

const ESCAPES: Readonly<Record<string, number>> = {
  0: 0,
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
};

/** An expression that does not follow the grammar; `at` counts characters from 0. */
export function expressionError(source: string, at: number, title: string, mend?: string): StartOfDayError {
  return new StartOfDayError({
    code: 'expression-syntax',
    blame: 'user',
    title,
    detail: `In "${source}" at column ${at + 1}`,
    ...(mend === undefined ? {} : { mend }),
  });
}

/** Splits an expression into tokens; the last one is `end`. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (source.slice(position).trim() !== '') {
    PATTERN.lastIndex = position;
    const groups = PATTERN.exec(source)?.groups;
    const at = position + (source.slice(position).length - source.slice(position).trimStart().length);
    if (groups === undefined) throw unexpected(source, at);
    tokens.push(toToken(groups, at, tokens.at(-1)));
    position = PATTERN.lastIndex;
    // "%" before a name is a remainder after an operand ("a %b") and a register otherwise.
    const last = tokens.at(-1);
    if (last?.kind === 'operator' && last.text === '%' && groups['register'] !== undefined) position = at + 1;
  }
  tokens.push({ kind: 'end', at: source.length });
  return tokens;
}

function toToken(groups: Record<string, string | undefined>, at: number, before: Token | undefined): Token {
  const { number, suffix = '', character, register, name, operator = '' } = groups;
  if (number !== undefined) return { kind: 'number', at, value: BigInt(number), type: literalType(number, suffix) };
  if (character !== undefined) {
    const code = character.startsWith('\\')
      ? (ESCAPES[character[1] ?? ''] ?? character.charCodeAt(1))
      : character.charCodeAt(0);
    return { kind: 'number', at, value: BigInt(code), type: INT };
  }
  if (register !== undefined) {
    if (register.startsWith('%') && before !== undefined && endsOperand(before))
      return { kind: 'operator', at, text: '%' };
    return { kind: 'name', at, text: register.slice(1), sigil: true };
  }
  if (name !== undefined) return { kind: 'name', at, text: name, sigil: false };
  return { kind: 'operator', at, text: operator };
}

function endsOperand(token: Token): boolean {
  return token.kind !== 'operator' || token.text === ')' || token.text === ']';
}

/** The first type that holds the constant (C11 6.4.4.1, with 32-bit int and long). */
function literalType(digits: string, suffix: string): IntegerType {
  const value = BigInt(digits);
  const unsigned = /u/i.test(suffix);
  const wide = /ll/i.test(suffix) || value > 0xffffffffn;
  const decimal = /^[1-9]/.test(digits) || digits === '0';
  if (!wide && !unsigned && value <= 0x7fffffffn) return INT;
  if (!wide && (unsigned || !decimal)) return UNSIGNED;
  return { kind: 'integer', bits: 64, signed: !unsigned && value <= 0x7fffffffffffffffn };
}

function unexpected(source: string, at: number): StartOfDayError {
  const character = source[at] ?? '';
  if (/\d/.test(character)) {
    const word = /^[\w.]+/.exec(source.slice(at))?.[0] ?? character;
    return expressionError(source, at, `"${word}" is not a number`, 'Hexadecimal numbers start with 0x.');
  }
  if (character === '=')
    return expressionError(
      source,
      at,
      '"=" does not assign here',
      'Compare with "==", or change a register in the Variables view.',
    );
  return expressionError(source, at, `"${character}" has no meaning in an expression`);
}
