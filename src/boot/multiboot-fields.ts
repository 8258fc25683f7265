import { hex } from '../util/hex.ts';
import {
  ADDRESS_LAYOUT,
  checksumFor,
  checksumSum,
  HEADER_FLAG,
  HEADER_MAGIC,
  unknownRequirement,
  VIDEO_LAYOUT,
} from './multiboot-header.ts';
import type { HeaderSearch, HeaderWords, MultibootHeader } from './multiboot-header.ts';
import type { RecognisedField } from './protocol.ts';

const FLAG_MEANINGS: readonly (readonly [bit: number, flag: number, meaning: string])[] = [
  [0, HEADER_FLAG.pageAlign, 'modules on pages'],
  [1, HEADER_FLAG.memoryInfo, 'memory information'],
  [2, HEADER_FLAG.videoMode, 'video mode'],
  [16, HEADER_FLAG.addresses, 'addresses in the header'],
];

const ADDRESS_MEANINGS = {
  header_addr: 'physical address of the header',
  load_addr: 'physical address of the first byte loaded',
  load_end_addr: 'end of the data',
  bss_end_addr: 'end of .bss',
  entry_addr: 'physical address of the first instruction',
} as const;

const ZERO_MEANINGS: Readonly<Record<string, string>> = {
  load_end_addr: 'load to the end of the file',
  bss_end_addr: 'no .bss',
};

/** The header's fields in file order, or what stands where it should be. */
export function multibootFields({ header, near }: HeaderSearch): readonly RecognisedField[] {
  if (header === undefined) return near === undefined ? [] : wordFields(near);
  return [...wordFields(header), ...addressFields(header), ...videoFields(header)];
}

function wordFields(words: HeaderWords): RecognisedField[] {
  const right = checksumSum(words) === 0;
  const bits = FLAG_MEANINGS.filter(([, flag]) => (words.flags & flag) !== 0).map(
    ([bit, , meaning]) => `bit ${bit} ${meaning}`,
  );
  const unknown = unknownRequirement(words.flags);
  if (unknown !== undefined) bits.push(`bit ${unknown} is not defined, and required`);
  return [
    {
      name: 'magic',
      offset: words.offset,
      value: hex(HEADER_MAGIC, 8),
      meaning: 'Multiboot 1 header',
      verdict: 'right',
    },
    {
      name: 'flags',
      offset: words.offset + 4,
      value: hex(words.flags, 8),
      meaning: bits.length === 0 ? 'nothing required' : bits.join(', '),
      verdict: unknown === undefined ? 'information' : 'wrong',
    },
    {
      name: 'checksum',
      offset: words.offset + 8,
      value: hex(words.checksum, 8),
      meaning: right
        ? 'magic + flags + checksum = 0'
        : `magic + flags + checksum = ${hex(checksumSum(words), 8)}; for these flags ${hex(checksumFor(words.flags), 8)}`,
      verdict: right ? 'right' : 'wrong',
    },
  ];
}

function addressFields({ offset, addresses }: MultibootHeader): RecognisedField[] {
  if (addresses === undefined) return [];
  return (Object.keys(ADDRESS_LAYOUT) as (keyof typeof ADDRESS_LAYOUT)[]).map((name) => ({
    name,
    offset: offset + ADDRESS_LAYOUT[name][0],
    value: hex(addresses[name], 8),
    meaning: (addresses[name] === 0 ? ZERO_MEANINGS[name] : undefined) ?? ADDRESS_MEANINGS[name],
    verdict: 'information',
  }));
}

/** The mode is a recommendation (3.1.4): a machine without a graphics adapter gives text mode. */
function videoFields({ offset, video }: MultibootHeader): RecognisedField[] {
  if (video === undefined) return [];
  const text = 'the machine has no graphics adapter and gives EGA text, 80 by 25, as 3.1.4 permits';
  const meanings = {
    mode_type: video.mode_type === 1 ? 'EGA text, as the machine has' : `linear graphics; ${text}`,
    width: video.width === 0 ? 'no preference' : 'columns',
    height: video.height === 0 ? 'no preference' : 'lines',
    depth: video.depth === 0 ? 'no preference, or text' : 'bits per pixel',
  } as const;
  return (Object.keys(VIDEO_LAYOUT) as (keyof typeof VIDEO_LAYOUT)[]).map((name) => ({
    name,
    offset: offset + VIDEO_LAYOUT[name][0],
    value: video[name].toString(),
    meaning: meanings[name],
    verdict: 'information',
  }));
}
