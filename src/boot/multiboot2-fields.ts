import type { FieldType } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';
import { hex } from '../util/hex.ts';
import { checksumFor, checksumSum } from './multiboot2-header.ts';
import type { HeaderSearch, HeaderWords, Multiboot2Header } from './multiboot2-header.ts';
import { field } from './multiboot2-kernel.ts';
import { ARCHITECTURE_I386, HEADER_TAG, TAG_DESCRIPTIONS, TAG_SIZE } from './multiboot2-layout.ts';
import { INFORMATION_TAGS } from './multiboot2-structure.ts';
import { requestedTypes } from './multiboot2-tags.ts';
import type { HeaderTag } from './multiboot2-tags.ts';
import type { RecognisedField } from './protocol.ts';

/** What a tag asks of a loader, and what this one does. */
const TAG_MEANINGS: Readonly<Record<number, string>> = {
  [HEADER_TAG.end]: 'end of the header',
  [HEADER_TAG.informationRequest]: 'information that must be given where there is any',
  [HEADER_TAG.address]: 'addresses of an image that is not loaded by its ELF headers',
  [HEADER_TAG.entryAddress]: 'entry, instead of e_entry',
  [HEADER_TAG.consoleFlags]: 'what the kernel can write to',
  [HEADER_TAG.framebuffer]: 'graphics mode that the kernel would like; it gets EGA text, as 3.1.10 permits',
  [HEADER_TAG.moduleAlignment]: 'modules on pages, as they always are here',
  [HEADER_TAG.efiBootServices]: 'can start with EFI boot services; there is no EFI',
  [HEADER_TAG.efi32Entry]: 'entry on 32-bit EFI only; there is no EFI',
  [HEADER_TAG.efi64Entry]: 'entry on 64-bit EFI only; there is no EFI',
  [HEADER_TAG.relocatable]: 'may be loaded elsewhere than it is linked for',
};

const FIELD_MEANINGS: Readonly<Record<string, (value: number) => string>> = {
  header_addr: () => 'physical address of the header',
  load_addr: (value) =>
    value === 0xffffffff ? 'load from the start of the file' : 'physical address of the first byte',
  load_end_addr: (value) => (value === 0 ? 'load to the end of the file' : 'end of the data'),
  bss_end_addr: (value) => (value === 0 ? 'no .bss' : 'end of .bss'),
  entry_addr: () => 'physical address of the first instruction',
  console_flags: (value) =>
    `${(value & 1) === 0 ? 'no console required' : 'bit 0 a console is required'}, ${(value & 2) === 0 ? 'no EGA text' : 'bit 1 EGA text supported'}`,
  width: (value) => (value === 0 ? 'no preference' : 'columns'),
  height: (value) => (value === 0 ? 'no preference' : 'lines'),
  depth: (value) => (value === 0 ? 'no preference, or text' : 'bits per pixel'),
  min_addr: () => 'no part of the image lies below',
  max_addr: () => 'the image ends at or below',
  align: (value) => (value === 0 ? 'no alignment' : 'of the image in memory'),
  preference: (value) =>
    value === 1
      ? 'lowest possible address'
      : value === 2
        ? 'highest possible address'
        : 'none: stays where it is linked when it may',
};
const DECIMAL: ReadonlySet<string> = new Set(['width', 'height', 'depth', 'preference']);

/** The header's fields in file order, or what stands where it should be. */
export function multiboot2Fields({ header, near }: HeaderSearch): readonly RecognisedField[] {
  if (header === undefined) return near === undefined ? [] : wordFields(near);
  return [...wordFields(header), ...header.tags.flatMap(tagFields), ...problemField(header)];
}

function wordFields(words: HeaderWords): RecognisedField[] {
  const { offset, magic, architecture, header_length, checksum } = words;
  const right = checksumSum(words) === 0;
  const i386 = architecture === ARCHITECTURE_I386;
  return [
    { name: 'magic', offset, value: hex(magic, 8), meaning: 'Multiboot 2 header', verdict: 'right' },
    {
      name: 'architecture',
      offset: offset + 4,
      value: architecture.toString(),
      meaning: i386 ? '32-bit protected mode of i386' : architecture === 4 ? '32-bit MIPS' : 'not defined',
      verdict: i386 ? 'right' : 'wrong',
    },
    {
      name: 'header_length',
      offset: offset + 8,
      value: header_length.toString(),
      meaning: 'bytes with tags',
      verdict: 'information',
    },
    {
      name: 'checksum',
      offset: offset + 12,
      value: hex(checksum, 8),
      meaning: right
        ? 'the four words add up to 0'
        : `the four words add up to ${hex(checksumSum(words), 8)}; right would be ${hex(checksumFor(architecture, header_length), 8)}`,
      verdict: right ? 'right' : 'wrong',
    },
  ];
}

function tagFields(tag: HeaderTag): RecognisedField[] {
  const { type, size, offset, optional } = tag;
  const description = TAG_DESCRIPTIONS.get(type);
  const wish = optional ? 'optional, ' : '';
  const wrongEnd = type === HEADER_TAG.end && size !== TAG_SIZE;
  const meaning = TAG_MEANINGS[type] ?? (optional ? 'not defined, and ignored' : 'not defined, and required');
  const head: RecognisedField = {
    name: `tag ${type} ${description?.name ?? ''}`.trim(),
    offset,
    value: `${size} bytes`,
    meaning: `${wish}${meaning}${wrongEnd ? `; its size must be ${TAG_SIZE}` : ''}`,
    verdict: (description === undefined && !optional) || wrongEnd ? 'wrong' : 'information',
  };
  return [head, ...requestFields(tag), ...(description === undefined ? [] : contentFields(tag, description.fields))];
}

function contentFields(
  tag: HeaderTag,
  layout: Readonly<Record<string, readonly [number, FieldType]>>,
): RecognisedField[] {
  if (tag.size < layoutSizeOf(layout)) return [];
  return Object.entries(layout).map(([name, [at]]) => {
    const { value, offset } = field(tag, at);
    return {
      name: `  ${name}`,
      offset,
      value: DECIMAL.has(name) ? value.toString() : hex(value, 8),
      meaning: FIELD_MEANINGS[name]?.(value) ?? '',
      verdict: 'information',
    };
  });
}

function layoutSizeOf(layout: Readonly<Record<string, readonly [number, FieldType]>>): number {
  return Object.keys(layout).length === 0 ? 0 : layoutSize(layout);
}

function requestFields(tag: HeaderTag): RecognisedField[] {
  return requestedTypes(tag).map((type, index) => {
    const known = INFORMATION_TAGS.get(type);
    const absent = known?.absent === undefined ? '' : `: not given, ${known.absent}`;
    return {
      name: `  mbi_tag_types[${index}]`,
      offset: tag.offset + TAG_SIZE + index * 4,
      value: type.toString(),
      meaning: known === undefined ? 'not defined' : `${known.name}${absent}`,
      verdict: known === undefined && !tag.optional ? 'wrong' : 'information',
    };
  });
}

/** Where the reading of the tags ended before its time. */
function problemField({ offset, tags, problem }: Multiboot2Header): RecognisedField[] {
  if (problem === undefined) return [];
  const last = tags.at(-1);
  return [
    {
      name: 'tags',
      offset: last === undefined ? offset + 16 : last.offset,
      value: '',
      meaning: problem.detail,
      verdict: 'wrong',
    },
  ];
}
