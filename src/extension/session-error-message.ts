import * as vscode from 'vscode';
import type { MachineSession } from './machine-session.ts';
import type { SessionError } from './model/session-error.ts';

/** Shows why there is no machine, with what leads on from there. */
export async function showSessionError(session: MachineSession, error: SessionError): Promise<void> {
  const explain = 'Explain Entries';
  const open = 'Open launch.json';
  const chosen = await vscode.window.showErrorMessage(
    error.title,
    { modal: true, detail: error.detail },
    explain,
    ...(session.debug.workspaceFolder === undefined ? [] : [open]),
  );
  const program: unknown = session.debug.configuration['program'];
  if (chosen === open) await vscode.commands.executeCommand('workbench.action.debug.configure');
  if (chosen === explain && typeof program === 'string')
    await vscode.commands.executeCommand('startOfDay.explainImage', vscode.Uri.file(program));
}
