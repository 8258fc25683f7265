import * as vscode from 'vscode';
import type { ScreenReply } from '../adapter/protocol.ts';
import type { Subscription } from '../util/emitter.ts';
import type { ScreenRequest, ScreenUpdate } from '../webview/screen/messages.ts';
import type { MachineSession } from './machine-session.ts';
import { Refresher } from './model/refresher.ts';
import { screenPage } from './model/screen-page.ts';
import type { ReadOnlyDocuments } from './read-only-documents.ts';
import type { Sessions } from './sessions.ts';

/** The Screen editors: one for each session, opened on demand. */
export class ScreenPanels {
  private readonly extension: vscode.Uri;
  private readonly sessions: Sessions;
  private readonly documents: ReadOnlyDocuments;
  private readonly panels = new Map<MachineSession, vscode.WebviewPanel>();

  constructor(extension: vscode.Uri, sessions: Sessions, documents: ReadOnlyDocuments) {
    this.extension = extension;
    this.sessions = sessions;
    this.documents = documents;
  }

  dispose(): void {
    for (const panel of this.panels.values()) panel.dispose();
  }

  /** Shows the screen of a session beside the editor, in place of one whose session has ended. */
  open(session: MachineSession): void {
    const opened = this.panels.get(session);
    if (opened !== undefined) {
      opened.reveal();
      return;
    }
    for (const [other, panel] of this.panels) if (other.state === 'ended') panel.dispose();
    const panel = this.create();
    this.panels.set(session, panel);
    const subscriptions = connect(panel, session, this.sessions, this.documents);
    panel.onDidDispose(() => {
      this.panels.delete(session);
      for (const subscription of subscriptions) subscription.dispose();
    });
  }

  private create(): vscode.WebviewPanel {
    const bundle = vscode.Uri.joinPath(this.extension, 'dist', 'webview');
    const media = vscode.Uri.joinPath(this.extension, 'media');
    const panel = vscode.window.createWebviewPanel('startOfDay.screen', 'Screen', vscode.ViewColumn.Beside, {
      enableScripts: true,
      localResourceRoots: [bundle, media],
    });
    panel.iconPath = vscode.Uri.joinPath(media, 'icon.png');
    const { webview } = panel;
    webview.html = screenPage({
      script: webview.asWebviewUri(vscode.Uri.joinPath(bundle, 'screen.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(media, 'screen.css')).toString(),
      source: webview.cspSource,
      nonce: crypto.randomUUID(),
    });
    return panel;
  }
}

/** Keeps a panel up with its session: at each stop, and as often as the adapter says so while the machine runs. */
function connect(
  panel: vscode.WebviewPanel,
  session: MachineSession,
  sessions: Sessions,
  documents: ReadOnlyDocuments,
): readonly Subscription[] {
  let last: ScreenReply | undefined;
  const post = (update: ScreenUpdate): void => void panel.webview.postMessage(update);
  const refresher = new Refresher(async () => {
    if (!panel.visible) return;
    if (session.state !== 'ended') last = (await session.request('startOfDay/screen')) ?? last;
    if (last !== undefined)
      post({ type: 'screen', screen: last, state: session.state === 'running' ? 'running' : 'stopped' });
    if (session.state === 'ended') post({ type: 'ended' });
  });
  const receive = async (request: ScreenRequest): Promise<void> => {
    if (request.type === 'ready') refresher.ask();
    if (request.type === 'keys' && session.state !== 'ended')
      await session.request('startOfDay/keyboard', { scanCodes: request.scanCodes });
    if (request.type === 'readAsText' && last !== undefined)
      await documents.show('Screen', last.text.map((row) => row.trimEnd()).join('\n'));
  };
  return [
    panel.webview.onDidReceiveMessage((request: ScreenRequest) => void receive(request)),
    sessions.changed.on(() => refresher.ask()),
    sessions.invalidated.on((event) => {
      if (event.session === session && event.views.includes('screen')) refresher.ask();
    }),
  ];
}
