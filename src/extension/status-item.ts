import * as vscode from 'vscode';
import type { Sessions } from './sessions.ts';

/** The status bar item of a session: how the kernel was entered and what it stands on. A click explains every entry of the image. */
export function createStatusItem(sessions: Sessions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('startOfDay.entry', vscode.StatusBarAlignment.Left);
  item.name = 'Start of Day: Entry';
  const update = async (): Promise<void> => {
    const session = sessions.current;
    if (session === undefined) item.hide();
    if (session === undefined || session.state === 'starting') return;
    const boot = await session.request('startOfDay/boot');
    if (boot === undefined || session !== sessions.current) return;
    item.text = `$(circuit-board) ${boot.entry} · ${boot.hypervisor}`;
    item.tooltip = boot.chosen;
    item.command = {
      command: 'startOfDay.explainImage',
      title: 'Explain Entries',
      arguments: [vscode.Uri.file(boot.program)],
    };
    item.show();
  };
  return vscode.Disposable.from(
    item,
    sessions.changed.on(() => void update()),
  );
}
