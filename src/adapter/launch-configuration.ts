import { StartOfDayError } from '../util/errors.ts';
import { LAUNCH_SCHEMA } from './launch-schema.ts';
import type { LaunchConfiguration } from './launch-schema.ts';
import { checkObject } from './schema.ts';
import type { PropertySchema } from './schema.ts';

/** Attributes of a launch configuration that the client adds or keeps for itself. */
const CLIENT_ATTRIBUTES = new Set([
  'type',
  'request',
  'name',
  'noDebug',
  'preLaunchTask',
  'postDebugTask',
  'internalConsoleOptions',
  'debugServer',
  'presentation',
  'serverReadyAction',
  'suppressMultipleSessionWarning',
  'linux',
  'osx',
  'windows',
]);

/** Attributes that configurations will have in later versions, with what they are for: named, so that nobody takes them for a typing error. */
const LATER_ATTRIBUTES: Readonly<Record<string, string>> = {
  sourceMap: 'source lines',
};

/** A launch configuration with the default of everything that has one. */
export type CompleteLaunchConfiguration = Required<Omit<LaunchConfiguration, Optional>> &
  Pick<LaunchConfiguration, Optional> & {
    /** Run Without Debugging: stop neither at the entry nor at breakpoints, and end with the guest. */
    readonly noDebug: boolean;
  };

/** The attributes that mean something by not being there. */
type Optional = 'maxInstructions' | 'entryAddress' | 'initrd' | 'hardwareSubarch' | 'paravirtMagic' | 'hypervisor';

/**
 * Checks the arguments of a `launch` request against the schema and fills the defaults in. Throws with the attribute's name, what was
 * found and what was needed; a misspelt attribute is an error that names the nearest right one.
 */
export function validateLaunch(launchArguments: unknown): CompleteLaunchConfiguration {
  const everything = isRecord(launchArguments) ? launchArguments : {};
  const given = Object.fromEntries(
    Object.entries(everything).filter(([name]) => !CLIENT_ATTRIBUTES.has(name) && !name.startsWith('__')),
  );
  if (given['program'] === undefined)
    throw new StartOfDayError({
      code: 'launch-program',
      blame: 'user',
      title: 'The launch configuration names no "program"',
      mend: 'Set "program" to the kernel file.',
    });
  for (const [name, purpose] of Object.entries(LATER_ATTRIBUTES)) if (name in given) throw notYet(name, purpose);
  checkObject(given, LAUNCH_SCHEMA, 'The launch configuration');
  const defaults = Object.fromEntries(
    Object.entries<PropertySchema>(LAUNCH_SCHEMA.properties).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  // The schema has just proved the shape that the type states.
  const complete = { ...defaults, ...given, noDebug: everything['noDebug'] === true };
  return complete as unknown as CompleteLaunchConfiguration;
}

function notYet(name: string, purpose: string): StartOfDayError {
  return new StartOfDayError({
    code: 'launch-later',
    blame: 'user',
    title: `"${name}" is for ${purpose}, which this version does not have`,
    mend: 'Remove it from the launch configuration.',
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
