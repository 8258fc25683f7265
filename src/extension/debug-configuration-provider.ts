import * as vscode from 'vscode';
import { activeKernel, findKernels, nameOf, pickKernel } from './kernel-picker.ts';
import { withAbsolutePaths } from './model/configuration-paths.ts';
import { DEBUG_TYPE } from './sessions.ts';

/** A launch configuration that boots a file and asks for nothing else. */
export function bootConfiguration(program: vscode.Uri): vscode.DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name: `Boot ${nameOf(program)}`, program: program.fsPath };
}

/** Makes launch configurations where launch.json has none, and completes those that it has. */
export class DebugConfigurationProvider implements vscode.DebugConfigurationProvider {
  /** The kernels of a folder as configurations, for "Select and Start Debugging". */
  readonly dynamic: vscode.DebugConfigurationProvider = {
    provideDebugConfigurations: async (folder) => (await findKernels(folder)).map(({ uri }) => bootConfiguration(uri)),
  };

  /** Called to write the first launch.json: names the one kernel of the folder, or lets the user choose at each start. */
  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    const [kernel, ...others] = await findKernels(folder);
    if (kernel === undefined || others.length > 0 || folder === undefined)
      return [{ type: DEBUG_TYPE, request: 'launch', name: 'Boot Kernel', program: '${command:pickKernel}' }];
    const inside = kernel.uri.path.slice(folder.uri.path.length);
    return [{ ...bootConfiguration(kernel.uri), program: `\${workspaceFolder}${inside}` }];
  }

  /** F5 without launch.json comes with an empty configuration: boots the kernel in the editor, else lets the user choose. */
  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration['program'] !== undefined) return configuration;
    const kernel = (await activeKernel()) ?? (await pickKernel('Boot a Kernel', folder));
    return kernel === undefined ? undefined : { ...bootConfiguration(kernel), ...nonEmpty(configuration) };
  }

  resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    if (folder === undefined) return configuration;
    return withAbsolutePaths(configuration, (path) => vscode.Uri.joinPath(folder.uri, path).fsPath);
  }
}

function nonEmpty(configuration: vscode.DebugConfiguration): Partial<vscode.DebugConfiguration> {
  return Object.fromEntries(Object.entries(configuration).filter(([, value]) => value !== '' && value !== undefined));
}
