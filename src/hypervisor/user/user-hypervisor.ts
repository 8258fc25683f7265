import { CpuFault, StopBefore, Unimplemented } from '../../cpu/fault.ts';
import { SEGMENT } from '../../cpu/state.ts';
import { HypercallLog } from '../../machine/hypercall-log.ts';
import type { PortIntercepts, Supervisor, SupervisorHost } from '../../machine/supervisor.ts';
import type { CpuIntercepts } from '../../cpu/intercepts.ts';
import { StartOfDayError } from '../../util/errors.ts';
import { didYouMean } from '../../util/nearest-name.ts';
import { REGISTER } from '../../x86/registers.ts';
import { callerOf } from '../guest-access.ts';
import type { Hypervisor } from '../hypervisor.ts';
import { Guest } from './guest.ts';
import { MODULE_METHODS, type HypercallRequest, type HypervisorModule } from './hypervisor-module.ts';

/** Whether the attribute `hypervisor` names a file rather than one of ours. */
export function isModulePath(hypervisor: string): boolean {
  return /[/\\]|\.[cm]?js$/.test(hypervisor);
}

/** The hypervisor that a module exports by default. Throws `hypervisor-module` for what is none. `file` names it in messages. */
export function userHypervisor(file: string, exported: unknown): Hypervisor {
  const module = checkModule(file, exported);
  const name = module.name ?? file;
  return { name, label: name, attach: (host) => underModule(host, file, name, module) };
}

function checkModule(file: string, exported: unknown): HypervisorModule {
  if (typeof exported !== 'object' || exported === null)
    throw moduleError(`${file} exports no hypervisor`, 'Write export default { hypercall(request, guest) { … } }.');
  const known: readonly string[] = ['name', ...MODULE_METHODS];
  for (const [key, value] of Object.entries(exported)) {
    if (!known.includes(key))
      throw moduleError(
        `${file}: a hypervisor has no "${key}"`,
        didYouMean(key, known) ?? `It may have ${known.join(', ')}.`,
      );
    const needed = key === 'name' ? 'string' : 'function';
    if (typeof value !== needed) throw moduleError(`${file}: "${key}" is no ${needed}`);
  }
  return exported;
}

function underModule(host: SupervisorHost, file: string, name: string, module: HypervisorModule): Supervisor {
  const guest = new Guest(host);
  const hypercalls = new HypercallLog(() => host.cpu.retired);
  /** An error of the module ends the machine with its text; an exception of the guest goes to the guest. */
  const guarded = <R>(method: string, otherwise: R, run: () => R): R => {
    try {
      return run();
    } catch (error) {
      if (error instanceof CpuFault || error instanceof StopBefore || error instanceof Unimplemented) throw error;
      const what = error instanceof Error ? error.message : String(error);
      host.stop({ reason: 'error', description: `${method}() of ${file} failed: ${what}.` });
      return otherwise;
    }
  };
  const ask = (request: HypercallRequest): boolean =>
    guarded('hypercall', true, () => {
      const answer = module.hypercall?.(request, guest);
      if (answer === undefined) return false;
      const { number = 0, name: call, arguments: given = {} } = answer;
      const decoded = Object.entries(given).map(([key, value]) => ({ name: key, value: BigInt(value >>> 0) }));
      const result = hypercalls.make({ number, name: call, arguments: decoded, caller: callerOf(host) }, () =>
        answer.run(),
      );
      if (result !== undefined) host.cpu.state.setRegister32(REGISTER.eax, result >>> 0);
      return true;
    });
  guarded('startOfDay', undefined, () => module.startOfDay?.(guest));
  return {
    name,
    hypercalls,
    intercepts: interceptsOf(host, module, guest, guarded, ask),
    ports: portsOf(module, guest, guarded),
    device: {
      name: file,
      save: () => ({ state: module.save?.() ?? null }),
      restore: ({ state }) => module.restore?.(state),
      nextEvent: () => Infinity,
      advance: () => undefined,
    },
  };
}

type Guarded = <R>(method: string, otherwise: R, run: () => R) => R;

/** Only what the module has is taken from the CPU. */
function interceptsOf(
  { cpu }: SupervisorHost,
  module: HypervisorModule,
  guest: Guest,
  guarded: Guarded,
  ask: (request: HypercallRequest) => boolean,
): CpuIntercepts {
  const calls: CpuIntercepts = {
    hypercall: (instruction) => ask({ instruction, vector: undefined }),
    softwareInterrupt: (vector) => ask({ instruction: 'int', vector }),
  };
  return {
    ...(module.hypercall === undefined ? {} : calls),
    ...(module.cpuid === undefined
      ? {}
      : {
          cpuid: (leaf, subleaf, own) => guarded('cpuid', undefined, () => module.cpuid?.(leaf, subleaf, own, guest)),
        }),
    ...(module.msr === undefined
      ? {}
      : {
          readMsr: (index) => guarded('msr', undefined, () => readMsr(module.msr?.(index, undefined, guest))),
          writeMsr: (index, value) => guarded('msr', false, () => module.msr?.(index, value, guest) === true),
        }),
    ...(module.privileged === undefined
      ? {}
      : {
          exception: (fault) =>
            guarded('privileged', undefined, () => {
              const { vector, errorCode, reason } = fault;
              const address = (cpu.state.segmentBase(SEGMENT.cs) + cpu.state.ip) >>> 0;
              const bytes = Uint8Array.from(cpu.instructionBytes());
              const emulated = module.privileged?.({ vector, errorCode, reason, address, bytes }, guest) === true;
              return emulated ? 'emulated' : undefined;
            }),
        }),
  };
}

function portsOf(module: HypervisorModule, guest: Guest, guarded: Guarded): PortIntercepts {
  if (module.io === undefined) return {};
  return {
    portRead: (port, width) =>
      guarded('io', undefined, () => {
        const answer = module.io?.(port, width, undefined, guest);
        return typeof answer === 'number' ? answer : undefined;
      }),
    portWrite: (port, width, value) => guarded('io', false, () => module.io?.(port, width, value, guest) === true),
  };
}

function readMsr(answer: bigint | boolean | undefined): bigint | undefined {
  return typeof answer === 'bigint' ? answer : undefined;
}

function moduleError(title: string, mend?: string): StartOfDayError {
  return new StartOfDayError({
    code: 'hypervisor-module',
    blame: 'user',
    title,
    ...(mend === undefined ? {} : { mend }),
  });
}
