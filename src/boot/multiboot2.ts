import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';

const LABEL = 'Multiboot 2';
/** The header (Multiboot 2.0, 3.1.2). */
const LAYOUT = {
  magic: [0, 'u32'],
  architecture: [4, 'u32'],
  header_length: [8, 'u32'],
  checksum: [12, 'u32'],
} as const;
const MAGIC = 0xe85250d6;
const HEADER_SIZE = 16;
const SEARCH_LENGTH = 32768;

/** Recognised by magic number and checksum. */
export const multiboot2: EntryProtocol = {
  entry: 'multiboot2',
  label: LABEL,
  recognise: ({ reader }) => {
    const common = { entry: 'multiboot2', label: LABEL } as const;
    const end = Math.min(SEARCH_LENGTH, reader.length) - HEADER_SIZE;
    let wrong: string | undefined;
    for (let offset = 0; offset <= end; offset += 8) {
      if (reader.u32(offset, 'magic') !== MAGIC) continue;
      const { architecture, header_length, checksum } = reader.fields(LAYOUT, offset, 'the Multiboot 2 header');
      const sum = (MAGIC + architecture + header_length + checksum) >>> 0;
      if (sum !== 0) {
        wrong ??= `Magic ${hex(MAGIC)} at file offset ${hex(offset)}, but the first four words add up to ${hex(sum, 8)}, must be 0`;
        continue;
      }
      const information = { verdict: 'information' } as const;
      return {
        ...common,
        offered: true,
        evidence: `a Multiboot 2 header at file offset ${hex(offset)}`,
        summary: `Header at file offset ${hex(offset)}, architecture ${architecture}, ${header_length} bytes, checksum right`,
        fields: [
          { name: 'magic', offset, value: hex(MAGIC), meaning: LABEL, verdict: 'right' },
          {
            name: 'architecture',
            offset: offset + 4,
            value: architecture.toString(),
            meaning: architecture === 0 ? '32-bit protected mode of i386' : 'not the x86',
            verdict: architecture === 0 ? 'right' : 'wrong',
          },
          {
            name: 'header_length',
            offset: offset + 8,
            value: header_length.toString(),
            meaning: 'bytes with tags',
            ...information,
          },
          {
            name: 'checksum',
            offset: offset + 12,
            value: hex(checksum, 8),
            meaning: 'the four words add up to 0',
            verdict: 'right',
          },
        ],
      };
    }
    return {
      ...common,
      offered: false,
      summary: wrong ?? `No magic number ${hex(MAGIC)} at a multiple of 8 in the first ${SEARCH_LENGTH} bytes`,
      mend: 'Put a Multiboot 2 header, 8-byte aligned, into the first section of the file.',
      fields: [],
    };
  },
};
