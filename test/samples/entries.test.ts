import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DapClient } from '../support/dap-client.ts';
import { SAMPLES } from './samples.ts';

interface Configuration extends Record<string, unknown> {
  readonly name: string;
  readonly cmdline?: string;
}

/** The launch configurations that come with the samples, as VS Code would send them. */
function configurations(): readonly Configuration[] {
  const text = readFileSync(join(SAMPLES, '.vscode', 'launch.json'), 'utf8');
  return (
    JSON.parse(text.replaceAll('${workspaceFolder}', SAMPLES.replaceAll('\\', '/'))) as {
      configurations: Configuration[];
    }
  ).configurations;
}

/** Of each configuration of the paravirt sample: what the kernel says of itself, and how the machine ends. */
const EXPECTED: Readonly<Record<string, readonly [chosen: string, end: RegExp | number]>> = {
  auto: ["Start of Day because the boot loader's name says so", 1],
  'Multiboot 1': ["Start of Day because the boot loader's name says so", 1],
  "Multiboot 1, ops by the boot loader's name": ['native because nothing else was found', 1],
  'Multiboot by a hypervisor (proposal of 2006)': ["Start of Day because the boot loader's name says so", 1],
  'Multiboot 2': ["Start of Day because the boot loader's name says so", 1],
  PVH: ['native because nothing else was found', 1],
  'PVH on KVM': ['KVM because CPUID leaf 0x40000000 says KVMKVMKVM', 1],
  'Xen PV': ['Xen because Xen entered by its own entry point', /asked for a shutdown .*poweroff/],
  lguest: ["lguest because hardware_subarch is lguest's", /powers off: "Power down"/],
  'generic entry of Linux 2.6.20': ['a hypervisor of 2.6.20 because a probe knew the index in EBX', 1],
  'Linux 32-bit protocol': ['native because nothing else was found', 1],
  'VMI option ROM': ["VMI because an option ROM has VMI's signature", 1],
  'native, then a late module': ['bare hardware with a late module because a module came', 1],
};
const PREFIX = 'paravirt: ';

describe('the paravirt sample, by each of its launch configurations', () => {
  const paravirt = configurations().filter(({ name }) => name.startsWith(PREFIX));

  it('has one for every entry', () => {
    assert.deepEqual(paravirt.map(({ name }) => name.slice(PREFIX.length)).sort(), Object.keys(EXPECTED).sort());
  });

  for (const configuration of paravirt) {
    const name = configuration.name.slice(PREFIX.length);
    it(`${name}: stops at the entry, and says which ops it chose and why`, async () => {
      const [chosen, end] = EXPECTED[name] ?? assert.fail(name);
      const client = DapClient.spawn();
      try {
        const cmdline = `${configuration.cmdline ?? ''} exit`.trim();
        const stopped = await client.boot({ ...configuration, cmdline, exceptions: [] });
        assert.equal(stopped['reason'], 'entry');
        await client.request('setExceptionBreakpoints', { filters: [] });
        await client.request('continue', { threadId: 1 });
        const exited = await client.event('exited');
        const output = client.events
          .flatMap(({ event, body }) => (event === 'output' ? [(body as { output: string }).output] : []))
          .join('');
        if (typeof end === 'number') assert.equal(exited['exitCode'], end);
        else assert.match(output, end);
        assert.ok(output.includes(`paravirt: ${chosen}\n`), output);
      } finally {
        await client.close();
      }
    });
  }
});
