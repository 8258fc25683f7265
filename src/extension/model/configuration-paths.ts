/**
 * A launch configuration whose relative paths have been made absolute by `resolve`: a path in launch.json counts from its folder, but
 * the adapter knows no folder.
 */
export function withAbsolutePaths<Configuration extends Readonly<Record<string, unknown>>>(
  configuration: Configuration,
  resolve: (path: string) => string,
): Configuration {
  const absolute = (path: unknown): unknown => (typeof path === 'string' && isRelative(path) ? resolve(path) : path);
  const files = (list: unknown): unknown =>
    Array.isArray(list)
      ? list.map((item: unknown) =>
          isRecord(item) && 'file' in item ? { ...item, file: absolute(item['file']) } : item,
        )
      : list;
  const changed: Record<string, unknown> = { ...configuration };
  for (const name of ['program', 'initrd']) if (name in changed) changed[name] = absolute(changed[name]);
  for (const name of ['modules', 'symbols']) if (name in changed) changed[name] = files(changed[name]);
  // Only strings in places of strings were replaced.
  return changed as Configuration;
}

function isRelative(path: string): boolean {
  return path !== '' && !/^([a-z]:)?[\\/]/i.test(path);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
