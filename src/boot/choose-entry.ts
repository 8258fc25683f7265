import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';
import type { EntryProtocol, ProtocolPlan } from './entry-protocol.ts';
import { lookInside } from './inner-kernel.ts';
import { openKernelImage } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import type { EntryName, LoadOptions, LoadPlan, Recognition } from './protocol.ts';
import { ENTRY_PROTOCOLS } from './recognise.ts';

/** What `entry: "auto"` tries, best first. */
export const AUTO_ORDER: readonly EntryName[] = [
  'multiboot2',
  'multiboot',
  'pvh',
  'xen-pv',
  'linux64',
  'linux32',
  'lguest',
  'native',
];

/** A protocol that this version can enter by. */
interface RunnableProtocol extends EntryProtocol {
  readonly plan: (image: KernelImage, options: LoadOptions) => ProtocolPlan;
}

export interface Choice {
  readonly protocol: RunnableProtocol;
  /** The file, or the vmlinux inside it. */
  readonly image: KernelImage;
  /** For the Debug Console: what was taken and what else there is. */
  readonly sentence: string;
}

/** Plans the boot of a kernel file. `requested` is `auto` or an entry's name. Throws what the file, the name or the options lack. */
export function chooseEntry(
  kernel: { readonly name: string; readonly bytes: Uint8Array },
  requested: string,
  options: LoadOptions,
): LoadPlan {
  return planEntry(openKernelImage(kernel.name, kernel.bytes), requested, options);
}

/** {@link chooseEntry} of a file that is open. */
export function planEntry(kernel: KernelImage, requested: string, options: LoadOptions): LoadPlan {
  const { protocol, image, sentence } = choose(kernel, requested);
  const { entry, label } = protocol;
  if (options.initrd !== undefined && protocol.takesInitrd !== true)
    throw initrdNotTaken(protocol, options.initrd.name);
  if (options.paravirtMagic !== undefined) checkParavirtMagic(protocol, options.paravirtMagic);
  const { remark, ...plan } = protocol.plan(image, options);
  return { entry, label, chosen: [sentence, remark].filter((part) => part !== undefined).join(' '), ...plan };
}

/** Which protocol to enter by, and why. Throws when there is none. */
export function choose(image: KernelImage, requested: string): Choice {
  const findings = ENTRY_PROTOCOLS.map((protocol) => findingOf(protocol, image));
  return requested === 'auto' ? chooseBest(image, findings) : chooseNamed(image, findings, requested);
}

interface Finding {
  readonly protocol: EntryProtocol;
  readonly recognition: Recognition;
  /** Why the machine cannot run the image so. */
  readonly blocked: string | undefined;
}

function chooseBest(image: KernelImage, findings: readonly Finding[]): Choice {
  const ranked = AUTO_ORDER.flatMap((entry) => findings.filter(({ protocol }) => protocol.entry === entry));
  const offered = ranked.filter(({ recognition }) => recognition.offered);
  const best = offered.find(isRunnable);
  // A kernel with a damaged header would start natively, and its author would wonder why.
  const problem = ranked.find(({ recognition }) => recognition.problem !== undefined)?.recognition.problem;
  if (problem !== undefined && (best === undefined || best.protocol.entry === 'native'))
    throw new StartOfDayError(problem);
  if (best === undefined) throw noEntry(image, findings);
  const passed = offered.slice(0, offered.indexOf(best)).map(nameWithReason);
  const reason = `Chose ${best.protocol.entry} because ${image.name} has ${best.recognition.evidence ?? best.protocol.label}.`;
  const later = passed.length === 0 ? '' : ` This version cannot enter ${passed.join(', ')} yet.`;
  const damaged = ranked.slice(0, ranked.indexOf(best)).map(({ protocol, recognition: { problem: wrong } }) => {
    return wrong === undefined ? '' : ` Not ${protocol.entry}: ${wrong.title}.`;
  });
  const sentence = `${reason} ${alsoOffers(findings, best)}${later}${damaged.join('')}`;
  return { protocol: best.protocol, image, sentence };
}

function chooseNamed(image: KernelImage, findings: readonly Finding[], requested: string): Choice {
  const finding = findings.find(({ protocol }) => protocol.entry === requested);
  if (finding === undefined)
    throw new StartOfDayError({
      code: 'entry-name',
      blame: 'user',
      title: `There is no entry "${requested}"`,
      detail: `"entry" is auto or one of ${findings.map(({ protocol }) => protocol.entry).join(', ')}`,
      mend:
        didYouMean(requested, ['auto', ...findings.map(({ protocol }) => protocol.entry)]) ??
        'Leave "entry" out: auto takes what the image offers.',
    });
  const inner = lookInside(finding.protocol, image, finding.recognition);
  if (inner instanceof StartOfDayError) throw inner;
  const asked = inner === undefined ? finding : findingOf(finding.protocol, inner.image, inner.recognition);
  if (!isRunnable(asked)) throw notRunnable(image, findings, asked);
  const by = inner === undefined ? '' : `, by ${inner.where}`;
  return {
    protocol: asked.protocol,
    image: inner?.image ?? image,
    sentence: `${requested} as launch.json asks${by}. ${alsoOffers(findings, finding)}`,
  };
}

function findingOf(protocol: EntryProtocol, image: KernelImage, recognition = protocol.recognise(image)): Finding {
  return { protocol, recognition, blocked: protocol.blocked?.(image) };
}

/** Why an entry that the user names cannot be taken. */
function notRunnable(image: KernelImage, findings: readonly Finding[], asked: Finding): StartOfDayError {
  const { protocol, recognition, blocked } = asked;
  const { entry } = protocol;
  if (!recognition.offered)
    return new StartOfDayError({
      code: 'entry-not-offered',
      blame: 'user',
      title: `${image.name} does not offer ${entry}`,
      detail: recognition.summary,
      mend: recognition.mend,
    });
  const title =
    blocked === undefined
      ? `${entry} is recognised, but this version cannot enter ${image.name} by it yet`
      : `${image.name} cannot be entered by ${entry}: ${blocked}`;
  return notYet(image, findings, title, recognition.summary);
}

function nameWithReason({ protocol, blocked }: Finding): string {
  return blocked === undefined ? protocol.entry : `${protocol.entry} (${blocked})`;
}

/** Entries that say something of the image: any ELF file can be entered natively. */
function alsoOffers(findings: readonly Finding[], chosen: Finding): string {
  const others = findings.filter(
    (finding) => finding !== chosen && finding.recognition.offered && finding.protocol.entry !== 'native',
  );
  if (others.length === 0) return 'This image offers nothing else.';
  return `It also offers ${others.map(({ protocol }) => protocol.entry).join(', ')}.`;
}

function noEntry(image: KernelImage, findings: readonly Finding[]): StartOfDayError {
  const offered = findings.filter(({ recognition }) => recognition.offered).map(nameWithReason);
  if (offered.length > 0)
    return notYet(
      image,
      findings,
      `This version cannot enter ${image.name} yet`,
      `The image offers ${offered.join(', ')}; this version has ${findings
        .filter(({ protocol }) => protocol.plan !== undefined)
        .map(({ protocol }) => protocol.entry)
        .join(', ')}`,
    );
  const kind = image.elf instanceof StartOfDayError ? 'not an ELF file' : `a ${image.elf.bits}-bit ELF file`;
  const multiboot = findings.find(({ protocol }) => protocol.entry === 'multiboot');
  return new StartOfDayError({
    code: 'no-entry',
    blame: 'user',
    title: `${image.name} is ${kind} and offers no entry`,
    detail: `${multiboot?.recognition.summary ?? ''}, and nothing of any other entry was found`,
    mend: 'Give the file that the linker wrote, or add a Multiboot header; Explain Entries says what each entry looks for.',
  });
}

function initrdNotTaken({ entry, label }: EntryProtocol, name: string): StartOfDayError {
  const takers = ENTRY_PROTOCOLS.filter(({ takesInitrd, plan }) => takesInitrd === true && plan !== undefined);
  return new StartOfDayError({
    code: 'initrd-not-taken',
    blame: 'user',
    title: `${label} has no initial RAM disk`,
    detail: `"initrd" is ${name}, and the kernel is entered by ${entry}; an initial RAM disk goes with ${takers.map((taker) => taker.entry).join(', ')}`,
    mend: 'Use "modules" for files of a Multiboot kernel.',
  });
}

function notYet(image: KernelImage, findings: readonly Finding[], title: string, detail: string): StartOfDayError {
  const other = findings.find((finding) => finding.recognition.offered && isRunnable(finding));
  return new StartOfDayError({
    code: 'entry-not-yet',
    blame: 'user',
    title,
    detail,
    mend: other === undefined ? mendOf(image, findings) : `Set "entry" to "${other.protocol.entry}".`,
  });
}

function mendOf({ name }: KernelImage, findings: readonly Finding[]): string {
  const blocked = findings.some((finding) => finding.recognition.offered && finding.blocked !== undefined);
  return blocked ? 'Build the kernel for 32 bits.' : `Give ${name} a Multiboot header.`;
}

function isRunnable(finding: Finding): finding is Finding & { readonly protocol: RunnableProtocol } {
  return finding.protocol.plan !== undefined && finding.blocked === undefined;
}

/** The proposal of 2006 changes the Multiboot 1 entry and no other. */
function checkParavirtMagic({ entry }: EntryProtocol, magic: number): void {
  const refused = (title: string, mend: string): StartOfDayError =>
    new StartOfDayError({ code: 'paravirt-magic', blame: 'user', title, mend });
  if (entry !== 'multiboot')
    throw refused(
      `"paravirtMagic" is the value of EAX at a Multiboot 1 entry, and the entry is ${entry}`,
      'Set "entry" to "multiboot", or remove "paravirtMagic".',
    );
  if (!Number.isInteger(magic) || magic < 0 || magic >= 2 ** 32)
    throw refused('"paravirtMagic" does not fit in EAX', 'Give a value of 32 bits, such as 0x2badb006.');
}
