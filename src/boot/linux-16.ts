import { biosTables } from '../machine/firmware/bios/bios-tables.ts';
import { encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { linux16Promises, realModeState } from './linux-16-state.ts';
import { readSetup, writeSetup, type LoaderFields, type Setup } from './linux-16-setup.ts';
import { hardwareSubarch, placeRamdisk, type Placed } from './linux-loader-fields.ts';
import { memoryMend, MemoryLayout } from './memory-layout.ts';
import type { LoadOptions } from './protocol.ts';

/** Where the setup code goes, as in the sample loader of boot.rst: all of its segment but the last KiB is conventional memory. */
const SETUP_ADDRESS = 0x90000;
const HIGH_KERNEL = 0x100000;
/** Where a kernel without LOADED_HIGH goes. */
const LOW_KERNEL = 0x10000;

/**
 * Lays out memory for the 16-bit boot protocol (boot.rst, "The Real-Mode Kernel Header" and "Sample Boot Configuration"): the BIOS, the
 * setup code with its heap and stack, the command line behind them, the protected-mode code and the initial RAM disk.
 */
export function planLinux16(image: KernelImage, options: LoadOptions): ProtocolPlan {
  const setup = readSetup(image);
  const layout = new MemoryLayout(options.memory);
  const code = image.bytes.subarray(setup.size);
  const kernel = setup.loadedHigh ? HIGH_KERNEL : LOW_KERNEL;
  const setupCode = image.bytes.slice(0, setup.size);
  layout.claim([
    { name: 'setup code, heap and stack', address: SETUP_ADDRESS, bytes: setupCode, size: setup.heapEnd },
    { name: 'protected-mode kernel', address: kernel, bytes: code, size: code.length },
  ]);
  checkRoom(setup, kernel, code.length, layout.memory);
  const fields: LoaderFields = {
    commandLine: placeCommandLine(layout, setup, options.cmdline),
    base: SETUP_ADDRESS,
    ramdisk: placeRamdisk(layout, setup.ramdiskLimit, options),
    videoMode: videoMode(options.cmdline),
    hardwareSubarch: hardwareSubarch(setup.version, options),
  };
  writeSetup(setupCode, setup, fields);
  for (const { name, address, bytes } of biosTables()) layout.fill(name, address, bytes);
  return {
    regions: layout.regions,
    state: realModeState(SETUP_ADDRESS, setup.heapEnd, options.poison),
    promises: linux16Promises(SETUP_ADDRESS, setup.heapEnd),
    information: { kind: 'setup_header', register: 'ds', address: SETUP_ADDRESS },
    physicalBias: 0,
  };
}

/** Throws `image-too-large` when memory ends before what the kernel needs while it unpacks itself and starts. */
function checkRoom({ preferredAddress, initSize }: Setup, load: number, length: number, memory: number): void {
  const end = Math.max(load + length, initSize === 0 ? 0 : Math.max(load, preferredAddress) + initSize);
  if (end <= memory) return;
  throw new StartOfDayError({
    code: 'image-too-large',
    blame: 'user',
    title: `The kernel does not fit in ${binarySize(memory)}`,
    detail: `By pref_address at file offset 0x258 and init_size at file offset 0x260 it starts up in memory up to physical ${hex(end, 8)} (${binarySize(end)})`,
    mend: memoryMend(end),
  });
}

function placeCommandLine(layout: MemoryLayout, setup: Setup, text: string): Placed {
  const bytes = encodeCString(text);
  if (bytes.length - 1 > setup.commandLineSize)
    throw commandLineTooLong(bytes.length - 1, `${setup.commandLineLimit} allows ${count(setup.commandLineSize)}`);
  const from = SETUP_ADDRESS + setup.heapEnd;
  const address = layout.place('command line', bytes, 1, from);
  if (address !== from)
    throw commandLineTooLong(bytes.length - 1, `from physical ${hex(from)} on there is memory up to 0x9fbff`);
  return { address, size: bytes.length };
}

function commandLineTooLong(length: number, why: string): StartOfDayError {
  return new StartOfDayError({
    code: 'command-line-too-long',
    blame: 'user',
    title: 'The command line is too long for this kernel',
    detail: `It has ${count(length)} bytes; ${why}`,
    mend: 'Shorten "cmdline".',
  });
}

const NAMED_MODES: Readonly<Record<string, number>> = { normal: 0xffff, ext: 0xfffe, ask: 0xfffd };

/** `vga=` is for the loader: the setup code reads vid_mode before anybody reads the command line (boot.rst, "Special Command Line Options"). */
function videoMode(cmdline: string): number | undefined {
  const given = /(?:^|\s)vga=(\S*)/.exec(cmdline)?.[1];
  if (given === undefined) return undefined;
  const mode = NAMED_MODES[given] ?? (/^(0x[0-9a-f]+|\d+)$/i.test(given) ? Number(given) : NaN);
  if (mode >= 0 && mode <= 0xffff) return mode;
  throw new StartOfDayError({
    code: 'video-mode',
    blame: 'user',
    title: `"vga=${given}" is no video mode`,
    detail: 'vid_mode at file offset 0x1fa takes 16 bits',
    mend: 'Write vga=normal, vga=ext, vga=ask or the number of a mode.',
  });
}
