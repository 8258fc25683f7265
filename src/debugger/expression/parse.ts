import type { StartOfDayError } from '../../util/errors.ts';
import { expressionError, tokenize } from './tokens.ts';
import type { Token } from './tokens.ts';
import { isTypeName, typeOfWords } from './types.ts';
import type { IntegerType, ValueType } from './types.ts';

export type UnaryOperator = '-' | '+' | '~' | '!' | '*' | '&';
export type BinaryOperator =
  '*' | '/' | '%' | '+' | '-' | '<<' | '>>' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&' | '^' | '|' | '&&' | '||';

/** A parsed expression. `at` counts characters of the source from 0, for messages. */
export type Expression = { readonly at: number } & (
  | { readonly kind: 'number'; readonly value: bigint; readonly type: IntegerType }
  | { readonly kind: 'name'; readonly name: string; readonly sigil: boolean }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'conditional';
      readonly condition: Expression;
      readonly then: Expression;
      readonly otherwise: Expression;
    }
  | { readonly kind: 'cast'; readonly type: ValueType; readonly operand: Expression }
  /** `u32[address]` and `dword [address]`. */
  | { readonly kind: 'memory'; readonly type: IntegerType; readonly address: Expression }
  /** `pointer[index]`. */
  | { readonly kind: 'index'; readonly pointer: Expression; readonly index: Expression }
);

/** Binding powers of C, tightest highest. All of them group from the left. */
const POWER: Readonly<Record<BinaryOperator, number>> = {
  '*': 10,
  '/': 10,
  '%': 10,
  '+': 9,
  '-': 9,
  '<<': 8,
  '>>': 8,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '==': 6,
  '!=': 6,
  '&': 5,
  '^': 4,
  '|': 3,
  '&&': 2,
  '||': 1,
};
const UNARY = new Set(['-', '+', '~', '!', '*', '&']);

/** Parses a C expression over registers (`$eax`, `%eax`, `eax`), symbols, integers and typed memory. Throws on anything else. */
export function parseExpression(source: string): Expression {
  return new Parser(source).whole();
}

class Parser {
  private readonly source: string;
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokenize(source);
  }

  whole(): Expression {
    if (this.tokens.length === 1) throw this.error('The expression is empty');
    const expression = this.expression(0);
    if (this.position < this.tokens.length - 1) throw this.unexpected('an operator');
    return expression;
  }

  /** Everything that binds tighter than `power`; the conditional binds loosest of all. */
  private expression(power: number): Expression {
    let left = this.operand();
    for (;;) {
      const token = this.next;
      if (token.kind !== 'operator') return left;
      if (token.text === '?' && power === 0) {
        this.position++;
        const then = this.expression(0);
        this.expect(':');
        left = { kind: 'conditional', at: token.at, condition: left, then, otherwise: this.expression(0) };
        continue;
      }
      if (!isBinary(token.text) || POWER[token.text] <= power) return left;
      this.position++;
      left = { kind: 'binary', at: token.at, operator: token.text, left, right: this.expression(POWER[token.text]) };
    }
  }

  private operand(): Expression {
    const token = this.next;
    this.position++;
    if (token.kind === 'number') return { kind: 'number', at: token.at, value: token.value, type: token.type };
    if (token.kind === 'name') {
      if (!token.sigil && isTypeName(token.text)) return this.typedMemory(token.at);
      return this.postfix({ kind: 'name', at: token.at, name: token.text, sigil: token.sigil });
    }
    if (token.kind === 'operator' && isUnary(token.text))
      return { kind: 'unary', at: token.at, operator: token.text, operand: this.operand() };
    if (token.kind === 'operator' && token.text === '(') {
      const cast = this.cast();
      if (cast !== undefined) return { kind: 'cast', at: token.at, type: cast, operand: this.operand() };
      const inner = this.expression(0);
      this.expect(')');
      return this.postfix(inner);
    }
    this.position--;
    throw this.unexpected('a number, a register, a symbol or "("');
  }

  private postfix(operand: Expression): Expression {
    let result = operand;
    while (this.accept('[')) {
      const index = this.expression(0);
      this.expect(']');
      result = { kind: 'index', at: operand.at, pointer: result, index };
    }
    return result;
  }

  /** After "(": a type and ")", or undefined with nothing consumed. */
  private cast(): ValueType | undefined {
    const start = this.position;
    const words = this.typeWords();
    if (words.length === 0) return undefined;
    const type = typeOfWords(words);
    if (type === undefined) throw this.error(`"${words.join(' ')}" is not a type`, start);
    const pointer = this.accept('*');
    if (this.next.kind === 'operator' && this.next.text === '*')
      throw this.error('A pointer to a pointer is not a type here', undefined, 'Cast to u32* and dereference twice.');
    this.expect(')');
    if (pointer) return { kind: 'pointer', to: type === 'void' ? undefined : type };
    if (type === 'void') throw this.error('void has no value', start);
    return type;
  }

  /** `dword ptr [address]`, `u32[address]`; the first type word is consumed. */
  private typedMemory(at: number): Expression {
    this.position--;
    const words = this.typeWords();
    const type = typeOfWords(words);
    if (type === undefined || type === 'void')
      throw this.error(`"${words.join(' ')}" is not a type`, this.position - 1);
    if (this.next.kind === 'name' && this.next.text === 'ptr') this.position++;
    if (!this.accept('['))
      throw this.error(
        `The type "${words.join(' ')}" needs an address`,
        this.next.at,
        `Write ${words.join(' ')}[address].`,
      );
    const address = this.expression(0);
    this.expect(']');
    return { kind: 'memory', at, type, address };
  }

  private typeWords(): string[] {
    const words: string[] = [];
    for (let token = this.next; token.kind === 'name' && !token.sigil && isTypeName(token.text); token = this.next) {
      words.push(token.text);
      this.position++;
    }
    return words;
  }

  private get next(): Token {
    return this.tokens[this.position] ?? { kind: 'end', at: this.source.length };
  }

  private accept(operator: string): boolean {
    const token = this.next;
    if (token.kind !== 'operator' || token.text !== operator) return false;
    this.position++;
    return true;
  }

  private expect(operator: string): void {
    if (!this.accept(operator)) throw this.unexpected(`"${operator}"`);
  }

  private unexpected(wanted: string): StartOfDayError {
    const token = this.next;
    const found =
      token.kind === 'end'
        ? 'The expression ends'
        : `"${token.kind === 'number' ? token.value.toString() : token.text}" stands`;
    return this.error(`${found} where ${wanted} is needed`);
  }

  private error(title: string, at = this.next.at, mend?: string): StartOfDayError {
    return expressionError(this.source, at, title, mend);
  }
}

function isBinary(text: string): text is BinaryOperator {
  return text in POWER;
}
function isUnary(text: string): text is UnaryOperator {
  return UNARY.has(text);
}
