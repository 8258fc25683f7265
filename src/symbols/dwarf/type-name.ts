import { AT, TAG } from './constants.ts';
import { childrenOf, dimensionsOf, nameOf, numberOf } from './entries.ts';
import type { Entry, EntrySource } from './entries.ts';

const PARAMETERS: ReadonlySet<number> = new Set([TAG.formalParameter, TAG.unspecifiedParameters]);

const TAGGED: Readonly<Record<number, string>> = {
  [TAG.structureType]: 'struct ',
  [TAG.unionType]: 'union ',
  [TAG.enumerationType]: 'enum ',
};

const QUALIFIERS: Readonly<Record<number, string>> = {
  [TAG.constType]: 'const',
  [TAG.volatileType]: 'volatile',
  [TAG.restrictType]: 'restrict',
  [TAG.atomicType]: '_Atomic',
};

/** Types that one name is made of; what is beyond is cut off. A damaged file could nest without end. */
const MAXIMUM_TYPES = 100;

/** A type as C writes it without a name (C17 6.7.7): `const char *`, `void (*)(u32)`, `u32 [4]`. Undefined is void. */
export function typeName(type: Entry | undefined, source: EntrySource): string {
  let left = MAXIMUM_TYPES;

  /** `declarator` is what stands where a name would: C types are read from the inside out. */
  const declare = (named: Entry | undefined, declarator: string): string => {
    if (left-- <= 0) return '...';
    if (named === undefined) return beside('void', declarator);
    const inner = source.follow(named, AT.type);
    const qualifier = QUALIFIERS[named.tag];
    // `char *const` is a constant pointer, `const char *` a pointer to constant characters.
    if (qualifier !== undefined) {
      const pointer = inner?.tag === TAG.pointerType;
      return pointer ? declare(inner, beside(qualifier, declarator)) : `${qualifier} ${declare(inner, declarator)}`;
    }
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

  const parameters = (routine: Entry): string => {
    const words: string[] = [];
    for (const parameter of childrenOf(routine, PARAMETERS)) {
      if (left <= 0) break;
      const open = parameter.tag === TAG.unspecifiedParameters;
      words.push(open ? '...' : declare(source.follow(parameter, AT.type), ''));
    }
    const prototyped = (numberOf(routine, AT.prototyped) ?? 0) !== 0;
    return words.length === 0 && prototyped ? 'void' : words.join(', ');
  };

  return declare(type, '');
}

function beside(word: string, declarator: string): string {
  return declarator === '' ? word : `${word} ${declarator}`;
}
