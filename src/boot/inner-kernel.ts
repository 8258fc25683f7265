import { StartOfDayError } from '../util/errors.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import type { Recognition } from './protocol.ts';

/** What a protocol finds in the vmlinux inside a bzImage. */
export interface InnerFinding {
  readonly recognition: Recognition;
  readonly image: KernelImage;
  /** "the vmlinux inside (xz payload at file offset 0x5094)". */
  readonly where: string;
}

/**
 * Looks into a bzImage for a protocol that the file itself does not offer. Undefined where there is nothing to look into; an error says why
 * what is inside cannot be had. Takes seconds the first time.
 */
export function lookInside(
  protocol: EntryProtocol,
  image: KernelImage,
  outer: Recognition,
): InnerFinding | StartOfDayError | undefined {
  if (outer.offered || protocol.throughPayload !== true) return undefined;
  const inner = image.inside();
  if (inner === undefined || inner instanceof StartOfDayError) return inner;
  const found = protocol.recognise(inner.image);
  const where = `the vmlinux inside (${inner.where})`;
  const evidence = found.evidence === undefined ? {} : { evidence: `${found.evidence} of ${where}` };
  const summary = `vmlinux inside (${inner.where}): ${found.summary}`;
  return { recognition: { ...found, ...evidence, summary }, image: inner.image, where };
}

/** What a protocol finds in a file, or else in the vmlinux inside it. */
export function recogniseDeep(protocol: EntryProtocol, image: KernelImage): Recognition {
  const outer = protocol.recognise(image);
  const inner = lookInside(protocol, image, outer);
  if (inner === undefined) return outer;
  if (!(inner instanceof StartOfDayError)) return inner.recognition;
  return { ...outer, summary: `The vmlinux inside cannot be read: ${inner.detail ?? inner.title}`, mend: inner.mend };
}
