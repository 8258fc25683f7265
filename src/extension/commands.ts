import * as vscode from 'vscode';
import { bootConfiguration } from './debug-configuration-provider.ts';
import { showExplanation } from './explanation.ts';
import { activeKernel, pickKernel } from './kernel-picker.ts';
import { SAMPLES } from './model/samples.ts';
import type { ReadOnlyDocuments } from './read-only-documents.ts';
import type { ScreenPanels } from './screen-panels.ts';
import type { SerialTerminals } from './serial-terminal.ts';
import type { Sessions } from './sessions.ts';

interface Parts {
  /** The folder of the extension. */
  readonly extension: vscode.Uri;
  readonly sessions: Sessions;
  readonly documents: ReadOnlyDocuments;
  readonly screens: ScreenPanels;
  readonly terminals: SerialTerminals;
}

/** The commands of package.json. */
export function registerCommands({ extension, sessions, documents, screens, terminals }: Parts): vscode.Disposable[] {
  const commands = {
    bootFile: async (file?: vscode.Uri) => boot(file ?? (await activeKernel()) ?? (await pickKernel('Boot a Kernel'))),
    bootSample: () => bootSample(extension),
    explainImage: async (file?: vscode.Uri) => {
      const image = file ?? (await activeKernel()) ?? (await pickKernel('Explain Entries'));
      if (image !== undefined) await showExplanation(image, documents);
    },
    openScreen: () => sessions.current && screens.open(sessions.current),
    openSerial: () => sessions.current && terminals.open(sessions.current),
    // Called for ${command:pickKernel} in a launch configuration, with that configuration.
    pickKernel: async () => (await pickKernel('Boot a Kernel'))?.fsPath,
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`startOfDay.${name}`, run));
}

async function boot(program: vscode.Uri | undefined): Promise<void> {
  if (program === undefined) return;
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(program), bootConfiguration(program));
}

async function bootSample(extension: vscode.Uri): Promise<void> {
  const items = SAMPLES.map(({ name, title, description }) => ({ label: title, detail: description, name }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'Run a Sample Kernel' });
  if (chosen === undefined) return;
  await boot(vscode.Uri.joinPath(extension, 'samples', chosen.name, `${chosen.name}.elf`));
}
