import * as vscode from 'vscode';
import type { Subscription } from '../util/emitter.ts';

const SCHEME = 'start-of-day-text';

/** Texts of ours, opened as read-only editors: searchable, copyable and read by every screen reader. */
export class ReadOnlyDocuments implements vscode.TextDocumentContentProvider {
  readonly onDidChange: vscode.Event<vscode.Uri>;
  private readonly texts = new Map<string, string>();
  private readonly change = new vscode.EventEmitter<vscode.Uri>();
  private readonly subscriptions: readonly Subscription[];

  constructor() {
    this.onDidChange = this.change.event;
    this.subscriptions = [
      this.change,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === SCHEME) this.texts.delete(uri.path);
      }),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Opens `text` under `title`; an editor that shows this title already gets the new text. */
  async show(title: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}` });
    this.texts.set(uri.path, text);
    this.change.fire(uri);
    await vscode.window.showTextDocument(uri, { preview: true });
  }
}
