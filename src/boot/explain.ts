import { StartOfDayError } from '../util/errors.ts';
import type { ErrorParts } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import { choose } from './choose-entry.ts';
import { openKernelImage } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import type { EntryName, Recognition } from './protocol.ts';
import { recogniseAll } from './recognise.ts';

/** What every entry protocol finds in a file; plain data for `--json`. */
export interface ExplainReport {
  /** File name without its folder. */
  readonly file: string;
  /** "32-bit x86 ELF, 3 segments". */
  readonly format: string;
  readonly protocols: readonly Recognition[];
  /** What `entry: "auto"` takes. */
  readonly chosen?: { readonly entry: EntryName; readonly sentence: string };
  /** Why `entry: "auto"` takes nothing. */
  readonly refused?: ErrorParts;
}

/** Never throws: what is wrong with the file is the answer. */
export function explain(name: string, bytes: Uint8Array): ExplainReport {
  const image = openKernelImage(name, bytes);
  return { file: name, format: formatOf(image), protocols: recogniseAll(image), ...choiceOf(image) };
}

/** The report as text for a terminal: a line for each protocol, what mends it, and the header's fields. Ends with a line break. */
export function formatExplain(report: ExplainReport): string {
  const width = Math.max(...report.protocols.map(({ entry }) => entry.length)) + 2;
  const indent = ' '.repeat(width + 5);
  const lines = report.protocols.flatMap(({ entry, offered, summary, mend, fields }) => [
    `${entry.padEnd(width)}${offered ? 'yes' : 'no '}  ${summary}`,
    ...fieldLines(fields).map((line) => `${indent}${line}`),
    ...(mend === undefined || offered ? [] : [`${indent}mend: ${mend}`]),
  ]);
  const { chosen, refused } = report;
  const verdict = chosen?.sentence ?? [refused?.title, refused?.detail, refused?.mend].filter(Boolean).join('\n');
  return `${report.file}: ${report.format}\n\n${lines.join('\n')}\n\n${verdict}\n`;
}

/** One line for each field: file offset, name, value, meaning. */
function fieldLines(fields: Recognition['fields']): string[] {
  const width = (column: (field: Recognition['fields'][number]) => string): number =>
    Math.max(0, ...fields.map((field) => column(field).length));
  const names = width(({ name }) => name);
  const values = width(({ value }) => value);
  const offsets = width(({ offset }) => hex(offset));
  return fields.map(({ name, offset, value, meaning, verdict }) => {
    const wrong = verdict === 'wrong' ? ' (wrong)' : '';
    return `${hex(offset).padStart(offsets)}  ${name.padEnd(names)}  ${value.padEnd(values)}  ${meaning}${wrong}`;
  });
}

function formatOf({ bytes, elf }: KernelImage): string {
  if (!(elf instanceof StartOfDayError)) return `${elf.bits}-bit x86 ELF, ${count(elf.loads.length)} PT_LOAD segments`;
  if (elf.code === 'not-elf') return `not an ELF file, ${count(bytes.length)} bytes`;
  return `damaged ELF file: ${elf.detail ?? elf.title}`;
}

function choiceOf(image: KernelImage): Pick<ExplainReport, 'chosen' | 'refused'> {
  try {
    const { protocol, sentence } = choose(image, 'auto');
    return { chosen: { entry: protocol.entry, sentence } };
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    const { code, blame, title, detail, mend } = error;
    return { refused: { code, blame, title, detail, mend } };
  }
}
