import type { ByteReader, Fields } from '../util/bytes.ts';
import { alignUp, layoutSize } from '../util/bytes.ts';
import { hex } from '../util/hex.ts';
import {
  ALIGNMENT,
  HEADER_SIZE,
  HEADER_TAG,
  OPTIONAL,
  SEARCH_LENGTH,
  TAG_DESCRIPTIONS,
  TAG_LAYOUT,
  TAG_SIZE,
} from './multiboot2-layout.ts';

export interface HeaderTag extends Fields<typeof TAG_LAYOUT> {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly optional: boolean;
  /** The whole tag, a view. */
  readonly bytes: Uint8Array;
}

/** What is wrong with the tags: the parts of an error. */
export interface TagProblem {
  readonly title: string;
  readonly detail: string;
  readonly mend: string;
}

/** "tag 3 (entry address)", "tag 77". */
export function tagName(type: number): string {
  const description = TAG_DESCRIPTIONS.get(type);
  return description === undefined ? `tag ${type}` : `tag ${type} (${description.name})`;
}

/** The words of an information request; empty for any other tag. */
export function requestedTypes({ type, bytes }: HeaderTag): readonly number[] {
  if (type !== HEADER_TAG.informationRequest) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor((bytes.length - TAG_SIZE) / 4) }, (_, index) =>
    view.getUint32(TAG_SIZE + index * 4, true),
  );
}

/**
 * The tags of a header, up to the end tag or to the first that cannot be read. `header_length` is believed only as far as the file
 * reaches, and a walk always ends: every step is at least 8 bytes.
 */
export function readHeaderTags(
  reader: ByteReader,
  header: { readonly offset: number; readonly header_length: number },
): { readonly tags: readonly HeaderTag[]; readonly problem: TagProblem | undefined } {
  const tags: HeaderTag[] = [];
  const end = header.offset + header.header_length;
  const lengthField = `header_length at file offset ${hex(header.offset + 8)} is ${header.header_length}`;
  if (!reader.has(header.offset, header.header_length))
    return {
      tags,
      problem: {
        title: `The Multiboot 2 header at ${hex(header.offset)} is cut short`,
        detail: `${lengthField}: the header would end at ${hex(end)}, and the file ends at ${hex(reader.length)}`,
        mend: 'Let the assembler count: header_length is the end label minus the start label.',
      },
    };
  if (end > SEARCH_LENGTH)
    return {
      tags,
      problem: {
        title: `The Multiboot 2 header at ${hex(header.offset)} ends too far in`,
        detail: `${lengthField}: the header ends at ${hex(end)}, and must end at or below ${hex(SEARCH_LENGTH)}`,
        mend: 'Put the header section first in SECTIONS and wrap it in KEEP().',
      },
    };
  for (let at = header.offset + HEADER_SIZE; ;) {
    if (at + TAG_SIZE > end) return { tags, problem: noEndTag(lengthField, at, end) };
    const head = reader.fields(TAG_LAYOUT, at, 'a header tag');
    const least = head.type === HEADER_TAG.end ? 0 : TAG_SIZE;
    if (head.size < least || (head.type !== HEADER_TAG.end && at + head.size > end))
      return { tags, problem: wrongSize(head, at, end) };
    const size = Math.min(Math.max(head.size, TAG_SIZE), end - at);
    const tag = {
      ...head,
      offset: at,
      optional: (head.flags & OPTIONAL) !== 0,
      bytes: reader.slice(at, size, 'a tag'),
    };
    tags.push(tag);
    if (tag.type === HEADER_TAG.end) return { tags, problem: undefined };
    const problem = contentProblem(tag);
    if (problem !== undefined) return { tags, problem };
    at = alignUp(at + tag.size, ALIGNMENT);
  }
}

function noEndTag(lengthField: string, at: number, end: number): TagProblem {
  return {
    title: 'The Multiboot 2 header has no end tag',
    detail: `${lengthField}, so that the header ends at file offset ${hex(end)}; the next tag would begin at ${hex(at)}, and none before it has type 0`,
    mend: 'End the tags with .short 0, 0 and .long 8, 8-byte aligned, and count it in header_length.',
  };
}

function wrongSize({ type, size }: Fields<typeof TAG_LAYOUT>, at: number, end: number): TagProblem {
  return {
    title: 'A tag of the Multiboot 2 header has an impossible size',
    detail: `size of ${tagName(type)} at file offset ${hex(at + 4)} is ${hex(size)}; needed: ${TAG_SIZE} to ${hex(end - at)}, where the header ends`,
    mend: 'Begin every tag at a multiple of 8 (.balign 8), and let size count the tag without the padding behind it.',
  };
}

/** A known tag that is too short for its fields, or an unknown one that must not be ignored. */
function contentProblem({ type, size, optional, offset }: HeaderTag): TagProblem | undefined {
  const description = TAG_DESCRIPTIONS.get(type);
  if (description === undefined) {
    if (optional) return undefined;
    return {
      title: `The Multiboot 2 header requires ${tagName(type)}, which is not defined`,
      detail: `type at file offset ${hex(offset)} is ${type} and bit 0 (optional) of flags at ${hex(offset + 2)} is 0; Multiboot 2.0 defines 0 to 10`,
      mend: 'Remove the tag, or set bit 0 of its flags, so that a loader may ignore it. Tags begin at multiples of 8.',
    };
  }
  const needed = Math.max(TAG_SIZE, ...Object.keys(description.fields).map(() => layoutSize(description.fields)));
  if (size < needed)
    return {
      title: `The ${description.name} tag of the Multiboot 2 header is too short`,
      detail: `size of ${tagName(type)} at file offset ${hex(offset + 4)} is ${size}; needed: ${needed}`,
      mend: `Write size ${needed} and all fields of the tag.`,
    };
  return undefined;
}
