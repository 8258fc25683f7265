import { AT, TAG } from './constants.ts';
import { childrenOf, dimensionsOf, nameOf, numberOf } from './entries.ts';
import type { Entry, EntrySource } from './entries.ts';

const PARAMETERS: ReadonlySet<number> = new Set([TAG.formalParameter, TAG.unspecifiedParameters]);

const TAGGED: Readonly<Record<number, string>> = {
  [TAG.structureType]: 'struct ',
  [TAG.unionType]: 'union ',
  [TAG.enumerationType]: 'enum ',
};

const QUALIFIERS: ReadonlyMap<number, string> = new Map([
  [TAG.constType, 'const'],
  [TAG.volatileType, 'volatile'],
  [TAG.restrictType, 'restrict'],
  [TAG.atomicType, '_Atomic'],
]);

/** Types that one name is made of; what is beyond is cut off. A damaged file could nest without end. */
const MAXIMUM_TYPES = 100;

/** A type as C writes it without a name (C17 6.7.7): `const char *`, `void (*)(u32)`, `u32 [4]`. Undefined is void. */
export function typeName(type: Entry | undefined, source: EntrySource): string {
  let left = MAXIMUM_TYPES;

  /** `declarator` is what stands where a name would: C types are read from the inside out. */
  const declare = (named: Entry | undefined, declarator: string): string => {
    if (left-- <= 0) return '...';
    if (named === undefined) return beside('void', declarator);
    if (QUALIFIERS.has(named.tag)) return qualified(named, declarator);
    const inner = source.follow(named, AT.type);
    switch (named.tag) {
      case TAG.pointerType: {
        const binds = inner?.tag === TAG.subroutineType || inner?.tag === TAG.arrayType;
        return declare(inner, binds ? `(*${declarator})` : `*${declarator}`);
      }
      case TAG.arrayType: {
        const dimensions = dimensionsOf(named).map((count) => `[${count ?? ''}]`);
        return declare(inner, declarator + dimensions.join(''));
      }
      case TAG.subroutineType:
        return declare(inner, `${declarator}(${parameters(named)})`);
      default:
        return beside((TAGGED[named.tag] ?? '') + (nameOf(named) ?? '{...}'), declarator);
    }
  };

  /** Qualifiers of one type may come in any order; they are written in that of {@link QUALIFIERS}. */
  const qualified = (named: Entry, declarator: string): string => {
    const found = new Set<number>();
    let inner: Entry | undefined = named;
    for (; inner !== undefined && QUALIFIERS.has(inner.tag) && left > 0; left--) {
      found.add(inner.tag);
      inner = source.follow(inner, AT.type);
    }
    const words = [...QUALIFIERS]
      .filter(([tag]) => found.has(tag))
      .map(([, word]) => word)
      .join(' ');
    // `char *const` is a constant pointer, `const char *` a pointer to constant characters.
    return inner?.tag === TAG.pointerType
      ? declare(inner, beside(words, declarator))
      : `${words} ${declare(inner, declarator)}`;
  };

  const parameters = (routine: Entry): string => {
    const prototyped = (numberOf(routine, AT.prototyped) ?? 0) !== 0;
    const words: string[] = [];
    for (const parameter of childrenOf(routine, PARAMETERS)) {
      if (left <= 0) break;
      if (parameter.tag === TAG.formalParameter) words.push(declare(source.follow(parameter, AT.type), ''));
      else if (prototyped) words.push('...');
    }
    return words.length === 0 && prototyped ? 'void' : words.join(', ');
  };

  return declare(type, '');
}

function beside(word: string, declarator: string): string {
  return declarator === '' ? word : `${word} ${declarator}`;
}
