import { bootDebuggee } from '../debugger/boot-request.ts';
import { isModulePath } from '../hypervisor/user/user-hypervisor.ts';
import { machineText } from '../debugger/debuggee.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import { symbolCount } from '../debugger/symbols.ts';
import { count } from '../util/hex.ts';
import { parseNumber, parseSize } from '../util/numbers.ts';
import { CAPABILITIES, EXCEPTION_FILTERS } from './capabilities.ts';
import { validateLaunch } from './launch-configuration.ts';
import type { CompleteLaunchConfiguration } from './launch-configuration.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function launchRequests(
  state: SessionState,
): Handlers<'initialize' | 'launch' | 'configurationDone' | 'restart' | 'terminate' | 'disconnect'> {
  const boot = async (launchArguments: unknown): Promise<CompleteLaunchConfiguration> => {
    const configuration = validateLaunch(launchArguments);
    const debuggee = await load(state, configuration);
    debuggee.control.maxInstructions = configuration.maxInstructions ?? Infinity;
    state.adopt({ configuration, debuggee });
    return configuration;
  };
  /** The machine stands at its entry: stops there, or runs. */
  const begin = (): void => {
    const { configuration, debuggee } = state.launched;
    if (configuration.stopOnEntry && !configuration.noDebug) debuggee.control.stopAtEntry();
    else debuggee.control.continue();
  };
  return {
    initialize: ({ clientID = '', supportsInvalidatedEvent = false, supportsANSIStyling = false }) => {
      state.client = clientID;
      // VS Code understood escape sequences before it said so.
      state.styled = supportsANSIStyling || clientID === 'vscode';
      state.supportsInvalidated = supportsInvalidatedEvent;
      state.exceptionFilters = new Set(EXCEPTION_FILTERS.filter((one) => one.default).map(({ filter }) => filter));
      return CAPABILITIES;
    },
    launch: async (launchArguments) => {
      await boot(launchArguments);
      state.afterResponse(() => {
        state.send('output', { category: 'console', output: launchOutput(state) });
        // Breakpoints can be set honestly only now that the symbols are known.
        state.send('initialized');
      });
      return undefined;
    },
    configurationDone: () => {
      // Throws before the response when there is nothing to begin.
      state.requireStopped();
      state.afterResponse(begin);
      return undefined;
    },
    restart: async (request) => {
      // The kernel may have been built again: everything is read anew.
      await boot(request?.arguments ?? state.launched.configuration);
      state.afterResponse(begin);
      return undefined;
    },
    terminate: () => {
      state.afterResponse(() => state.terminate());
      return undefined;
    },
    disconnect: () => {
      state.afterResponse(() => {
        state.end();
        state.host.disconnected();
      });
      return undefined;
    },
  };
}

async function load(state: SessionState, configuration: CompleteLaunchConfiguration): Promise<Debuggee> {
  const { host } = state;
  const { hypervisor, entryAddress, initrd, hardwareSubarch, paravirtMagic } = configuration;
  const file = async (path: string): Promise<{ name: string; bytes: Uint8Array }> => ({
    name: baseName(path),
    bytes: await host.readFile(path),
  });
  return bootDebuggee(
    {
      kernel: await file(configuration.program),
      entry: configuration.entry,
      load: {
        memory: parseSize(configuration.memory, 'memory'),
        cmdline: configuration.cmdline,
        bootLoaderName: configuration.bootLoaderName,
        poison: configuration.poison,
        ...(entryAddress === undefined ? {} : { entryAddress: Number(parseNumber(entryAddress, 'entryAddress')) }),
        ...(initrd === undefined ? {} : { initrd: await file(initrd) }),
        ...(hardwareSubarch === undefined ? {} : { hardwareSubarch }),
        ...(paravirtMagic === undefined ? {} : { paravirtMagic: Number(parseNumber(paravirtMagic, 'paravirtMagic')) }),
        modules: await Promise.all(
          configuration.modules.map(async (module) => ({
            ...(await file(module.file)),
            cmdline: module.cmdline ?? '',
          })),
        ),
      },
      hypervisor:
        hypervisor === undefined || !isModulePath(hypervisor) ? hypervisor : await host.loadHypervisor(hypervisor),
      registers: configuration.registers,
      symbols: await Promise.all(
        configuration.symbols.map(async (symbols) => ({ ...(await file(symbols.file)), bias: symbols.bias ?? '0' })),
      ),
      cpu: configuration.cpu,
      handlers: host.handlers,
    },
    host.scheduler,
  );
}

/** The line that says how the kernel is entered and why, then what the machine is, dimmed where the client can. */
function launchOutput({ debuggee, styled }: SessionState): string {
  const symbols = debuggee.symbolFiles.reduce((sum, file) => sum + (symbolCount(file) ?? 0), 0);
  const closed = debuggee.symbolFiles.filter(({ opened }) => opened === false).map(({ name }) => name);
  const later = closed.length === 0 ? '' : `; ${closed.join(', ')} is opened when a name of it is asked for`;
  const machine = `Set "entry" in launch.json to choose. Machine: ${machineText(debuggee)}. Symbols: ${count(symbols)}${later}.`;
  return `${debuggee.inspection.plan.chosen}\n${styled ? `\u001b[2m${machine}\u001b[0m` : machine}\n`;
}

/** The last part of a path, with either kind of separator. */
function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
