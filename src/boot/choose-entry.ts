import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';
import type { EntryProtocol, ProtocolPlan } from './entry-protocol.ts';
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
  /** For the Debug Console: what was taken and what else there is. */
  readonly sentence: string;
}

/** Plans the boot of a kernel file. `requested` is `auto` or an entry's name. Throws what the file, the name or the options lack. */
export function chooseEntry(
  kernel: { readonly name: string; readonly bytes: Uint8Array },
  requested: string,
  options: LoadOptions,
): LoadPlan {
  const image = openKernelImage(kernel.name, kernel.bytes);
  const { protocol, sentence } = choose(image, requested);
  const { entry, label } = protocol;
  if (options.initrd !== undefined && protocol.takesInitrd !== true)
    throw initrdNotTaken(protocol, options.initrd.name);
  const { remark, ...plan } = protocol.plan(image, options);
  return { entry, label, chosen: [sentence, remark].filter((part) => part !== undefined).join(' '), ...plan };
}

/** Which protocol to enter by, and why. Throws when there is none. */
export function choose(image: KernelImage, requested: string): Choice {
  const findings = ENTRY_PROTOCOLS.map((protocol) => ({ protocol, recognition: protocol.recognise(image) }));
  return requested === 'auto' ? chooseBest(image, findings) : chooseNamed(image, findings, requested);
}

interface Finding {
  readonly protocol: EntryProtocol;
  readonly recognition: Recognition;
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
  const passed = offered.slice(0, offered.indexOf(best)).map(({ protocol }) => protocol.entry);
  const reason = `Chose ${best.protocol.entry} because ${image.name} has ${best.recognition.evidence ?? best.protocol.label}.`;
  const later = passed.length === 0 ? '' : ` This version cannot enter ${passed.join(', ')} yet.`;
  return { protocol: best.protocol, sentence: `${reason} ${alsoOffers(findings, best)}${later}` };
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
  const { recognition } = finding;
  if (!isRunnable(finding))
    throw recognition.offered
      ? notYet(
          image,
          findings,
          `${requested} is recognised, but this version cannot enter ${image.name} by it yet`,
          recognition.summary,
        )
      : new StartOfDayError({
          code: 'entry-not-offered',
          blame: 'user',
          title: `${image.name} does not offer ${requested}`,
          detail: recognition.summary,
          mend: recognition.mend,
        });
  return { protocol: finding.protocol, sentence: `${requested} as launch.json asks. ${alsoOffers(findings, finding)}` };
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
  const offered = findings.filter(({ recognition }) => recognition.offered).map(({ protocol }) => protocol.entry);
  if (offered.length > 0)
    return notYet(
      image,
      findings,
      `This version cannot enter ${image.name} yet`,
      `The image offers ${offered.join(', ')}; this version has ${findings
        .filter(isRunnable)
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
    mend: other === undefined ? `Give ${image.name} a Multiboot header.` : `Set "entry" to "${other.protocol.entry}".`,
  });
}

function isRunnable(finding: Finding): finding is Finding & { readonly protocol: RunnableProtocol } {
  return finding.protocol.plan !== undefined;
}
