import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createOnigScanner, createOnigString, loadWASM } from 'vscode-oniguruma';
import { INITIAL, parseRawGrammar, Registry } from 'vscode-textmate';

export const ROOT = join(import.meta.dirname, '..', '..');

/** One token that is not white space. */
export interface Token {
  readonly text: string;
  /** From the grammar's root to the innermost, without the grammar's suffix. */
  readonly scopes: readonly string[];
  /** Counted from 1. */
  readonly line: number;
}

export type Tokenizer = (source: string) => readonly Token[];

/** Tokenises as VS Code does: vscode-textmate over Oniguruma. `file` is the grammar in syntaxes/. */
export async function loadTokenizer(file: string, scopeName: string): Promise<Tokenizer> {
  const wasm = createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm');
  await loadWASM(new Uint8Array(readFileSync(wasm)));
  const path = join(ROOT, 'syntaxes', file);
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
    loadGrammar: (name) =>
      Promise.resolve(name === scopeName ? parseRawGrammar(readFileSync(path, 'utf8'), path) : null),
  });
  const grammar = await registry.loadGrammar(scopeName);
  if (grammar === null) throw new Error(`${path} has no scope ${scopeName}`);
  const suffix = scopeName.replace('source', '');
  return (source) => {
    let stack = INITIAL;
    return source.split('\n').flatMap((line, index) => {
      const result = grammar.tokenizeLine(line, stack);
      stack = result.ruleStack;
      return result.tokens
        .map((token) => ({
          text: line.slice(token.startIndex, token.endIndex).trim(),
          scopes: token.scopes.map((scope) => scope.replace(suffix, '')),
          line: index + 1,
        }))
        .filter((token) => token.text !== '');
    });
  };
}

/** The innermost scope of each token, as `text scope`; punctuation left out. */
export function innermost(tokens: readonly Token[]): readonly string[] {
  return tokens
    .map((token) => `${token.text} ${token.scopes.at(-1) ?? ''}`)
    .filter((token) => !token.includes(' punctuation.'));
}
