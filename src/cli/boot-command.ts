import { readWholeFile } from '../platform/node/files.ts';
import { ENTRY_PROTOCOLS } from '../boot/recognise.ts';
import { bootDebuggee } from '../debugger/boot-request.ts';
import { loadHypervisor } from '../platform/node/hypervisor-module.ts';
import { loadHandlers } from '../platform/node/handlers.ts';
import { nodeScheduler } from '../platform/node/scheduler.ts';
import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';
import { CPU_MODEL_NAMES, type CpuModelName } from '../x86/cpu-model.ts';
import { parseNumber, parseSize } from '../util/numbers.ts';
import { HYPERVISOR_NAMES, type Hypervisor } from '../hypervisor/hypervisor.ts';
import { isModulePath } from '../hypervisor/user/user-hypervisor.ts';
import { parseArguments, splitOnce, usageError } from './arguments.ts';
import { bootReport, exitStatus } from './boot-report.ts';
import type { Command } from './command.ts';
import { runHeadless } from './headless-run.ts';
import type { TypedText } from './headless-run.ts';
import { basename } from 'node:path';

const RUNNABLE_ENTRIES = ENTRY_PROTOCOLS.filter(({ plan }) => plan !== undefined).map(({ entry }) => entry);
const ENGINES = ['translator', 'interpreter', 'reference'] as const;

/** Runs a kernel without a screen. */
export const bootCommand: Command = {
  name: 'boot',
  operands: 'FILE',
  help: 'Run a kernel without a screen; COM1 and port 0xe9 go to standard output.',
  options: [
    { name: '--entry', value: 'P', help: `how to enter it: auto, ${RUNNABLE_ENTRIES.join(', ')}` },
    {
      name: '--hypervisor',
      value: 'H',
      help: `what stands under it: ${HYPERVISOR_NAMES.join(', ')}, or a file (./mine.mjs)`,
    },
    { name: '--append', value: 'CMDLINE', help: 'the command line of the kernel' },
    { name: '--module', value: 'F[=CMDLINE]', repeatable: true, help: 'a file that the boot loader puts into memory' },
    { name: '--initrd', value: 'F', help: 'an initial RAM disk, for the Linux entries and PVH' },
    { name: '--hardware-subarch', value: 'N', help: 'hardware_subarch of the Linux setup header' },
    { name: '--boot-loader-name', value: 'NAME', help: 'the name of the boot loader, "Start of Day" unless given' },
    { name: '--paravirt-magic', value: 'V', help: 'EAX at a Multiboot 1 entry: a boot by a hypervisor' },
    { name: '--memory', value: 'SIZE', help: 'physical memory, 128M unless given' },
    { name: '--cpu', value: 'C', help: `which CPU: ${CPU_MODEL_NAMES.join(', ')}` },
    { name: '--register', value: 'R=V', repeatable: true, help: 'a register to set at entry' },
    { name: '--until', value: 'PLACE', help: 'stop before the instruction at an address or symbol' },
    { name: '--max', value: 'N', help: 'stop after N instructions; 0 shows the state at entry' },
    {
      name: '--type',
      value: 'TEXT@COUNT',
      repeatable: true,
      help: 'type a text (\\n Enter, \\e Escape) after COUNT instructions',
    },
    { name: '--engine', value: 'E', help: `what runs the instructions: ${ENGINES.join(', ')}` },
    { name: '--json', help: 'print the machine as one JSON object at the end' },
  ],
  async run(words) {
    const given = parseArguments(words, this.options);
    const single = (name: string): string | undefined => given.values.get(name)?.[0];
    const [file, ...more] = given.positional;
    if (file === undefined) throw usageError('boot needs the file of a kernel', 'Write start-of-day boot FILE.');
    if (more[0] !== undefined) throw usageError(`boot takes one file, but "${more[0]}" came after "${file}"`);

    const initrd = single('--initrd');
    const magic = single('--paravirt-magic');
    const debuggee = bootDebuggee(
      {
        kernel: await readNamed(file),
        entry: single('--entry') ?? 'auto',
        load: {
          memory: parseSize(single('--memory') ?? '128M', '--memory'),
          cmdline: single('--append') ?? '',
          bootLoaderName: single('--boot-loader-name') ?? 'Start of Day',
          poison: true,
          initrd: initrd === undefined ? undefined : await readNamed(initrd),
          paravirtMagic: magic === undefined ? undefined : Number(parseNumber(magic, '--paravirt-magic')),
          hardwareSubarch: wholeNumber('--hardware-subarch', single('--hardware-subarch')),
          modules: await Promise.all((given.values.get('--module') ?? []).map(readModule)),
        },
        registers: Object.fromEntries((given.values.get('--register') ?? []).map(registerSetting)),
        symbols: [],
        hypervisor: await hypervisorOf(single('--hypervisor')),
        cpu: cpuNamed(single('--cpu') ?? 'default'),
        engine: engineNamed(single('--engine') ?? 'translator'),
        handlers: loadHandlers,
      },
      nodeScheduler,
    );
    const json = given.switches.has('--json');
    const until = single('--until');
    const run = runHeadless(debuggee, {
      until: until === undefined ? undefined : debuggee.inspection.evaluateAddress(until).value,
      maxInstructions: wholeNumber('--max', single('--max')),
      typed: (given.values.get('--type') ?? []).map(typedText),
      output: json ? () => undefined : (bytes) => void process.stdout.write(bytes),
    });
    if (json) process.stdout.write(`${JSON.stringify(bootReport(debuggee, run), null, 2)}\n`);
    else process.stderr.write(`${run.stop.description}\n`);
    return exitStatus(run.stop, until !== undefined);
  },
};

async function hypervisorOf(name: string | undefined): Promise<string | Hypervisor | undefined> {
  return name === undefined || !isModulePath(name) ? name : loadHypervisor(name);
}

async function readNamed(path: string): Promise<{ name: string; bytes: Uint8Array }> {
  return { name: basename(path), bytes: await readWholeFile(path) };
}

async function readModule(text: string): Promise<{ name: string; bytes: Uint8Array; cmdline: string }> {
  const [file, cmdline = ''] = splitOnce(text, '=');
  return { ...(await readNamed(file)), cmdline };
}

function registerSetting(text: string): [string, string] {
  const [name, value] = splitOnce(text, '=');
  if (value === undefined) throw usageError(`--register "${text}" sets nothing`, 'Write --register ebx=0x1.');
  return [name, value];
}

function cpuNamed(name: string): CpuModelName {
  const model = CPU_MODEL_NAMES.find((known) => known === name);
  if (model !== undefined) return model;
  const mend = didYouMean(name, CPU_MODEL_NAMES) ?? `The CPUs are ${CPU_MODEL_NAMES.join(', ')}.`;
  throw usageError(`There is no CPU "${name}"`, mend);
}

function engineNamed(name: string): (typeof ENGINES)[number] {
  const engine = ENGINES.find((known) => known === name);
  if (engine === undefined)
    throw usageError(`There is no engine "${name}" in this version`, `This version has ${ENGINES.join(', ')}.`);
  return engine;
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw usageError(`${option} needs a whole number, not "${text}"`);
  return Number(text);
}

function typedText(argument: string): TypedText {
  const at = argument.lastIndexOf('@');
  const count = at < 0 ? undefined : wholeNumber('--type', argument.slice(at + 1));
  if (count === undefined)
    throw new StartOfDayError({
      code: 'usage',
      blame: 'user',
      title: `--type "${argument}" does not say when`,
      mend: 'Write --type TEXT@COUNT: the text and the instruction count at which it is typed.',
    });
  // A key that has no character is written as in C.
  return { text: argument.slice(0, at).replaceAll('\\n', '\n').replaceAll('\\e', '\u001b'), at: count };
}
