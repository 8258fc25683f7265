import * as vscode from 'vscode';
import type { Subscription } from '../util/emitter.ts';
import type { View } from '../adapter/protocol.ts';
import type { MachineSession } from './machine-session.ts';
import { Refresher } from './model/refresher.ts';
import type { Row } from './model/row.ts';
import type { Sessions } from './sessions.ts';

/** Milliseconds that the machine must run before the view shows it: a step is over sooner and would only flicker. */
const RUNNING_AFTER = 150;

/** What a view has to say about a stopped machine. */
export interface RowTreeContent {
  readonly rows: readonly Row[];
  /** Shown above the rows; says why there are none. */
  readonly message?: string;
}

interface Node {
  readonly row: Row;
  readonly path: string;
}

/**
 * A tree view of the machine at its last stop. It asks again at each stop, but only while somebody sees it; while the machine runs, the
 * rows of the last stop stay, dimmed under a progress bar.
 */
export class RowTree implements vscode.TreeDataProvider<Node>, vscode.FileDecorationProvider {
  readonly onDidChangeTreeData: vscode.Event<undefined>;
  readonly onDidChangeFileDecorations: vscode.Event<undefined>;

  private readonly id: string;
  private readonly sessions: Sessions;
  private readonly load: (session: MachineSession) => Promise<RowTreeContent | undefined>;
  private readonly view: vscode.TreeView<Node>;
  private readonly treeData = new vscode.EventEmitter<undefined>();
  private readonly decorations = new vscode.EventEmitter<undefined>();
  private readonly refresher = new Refresher(() => this.refresh());
  private readonly subscriptions: readonly Subscription[];
  private rows: readonly Row[] = [];
  private shown: MachineSession | undefined;
  private dimmed = false;
  private running: { timer: NodeJS.Timeout; end: () => void } | undefined;

  /** `view` is what the adapter calls this view when it says that its content has changed. */
  constructor(
    id: string,
    view: View,
    sessions: Sessions,
    load: (session: MachineSession) => Promise<RowTreeContent | undefined>,
  ) {
    this.id = id;
    this.sessions = sessions;
    this.load = load;
    this.onDidChangeTreeData = this.treeData.event;
    this.onDidChangeFileDecorations = this.decorations.event;
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true });
    this.subscriptions = [
      this.view,
      this.treeData,
      this.decorations,
      vscode.window.registerFileDecorationProvider(this),
      this.view.onDidChangeVisibility(() => this.refresher.ask()),
      sessions.changed.on(() => this.follow()),
      sessions.invalidated.on(({ session, views }) => {
        if (session === sessions.current && views.includes(view)) this.refresher.ask();
      }),
    ];
  }

  dispose(): void {
    this.leaveRunning();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  getChildren(node?: Node): Node[] {
    const rows = node === undefined ? this.rows : (node.row.children ?? []);
    return rows.map((row) => ({ row, path: `${node?.path ?? ''}/${row.label}` }));
  }

  getTreeItem({ row, path }: Node): vscode.TreeItem {
    const folding = vscode.TreeItemCollapsibleState;
    const state = row.children === undefined ? folding.None : row.open ? folding.Expanded : folding.Collapsed;
    const item = new vscode.TreeItem(row.label, state);
    item.id = path;
    item.resourceUri = vscode.Uri.from({ scheme: this.id.toLowerCase(), path });
    item.description = row.description;
    item.tooltip = row.description === '' ? row.label : `${row.label}: ${row.description}`;
    item.iconPath = new vscode.ThemeIcon(
      row.icon,
      row.iconColor === undefined ? undefined : new vscode.ThemeColor(row.iconColor),
    );
    item.contextValue = row.context;
    if (row.accessibleLabel !== undefined) item.accessibilityInformation = { label: row.accessibleLabel };
    return item;
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (!this.dimmed || uri.scheme !== this.id.toLowerCase()) return undefined;
    return new vscode.FileDecoration(undefined, undefined, new vscode.ThemeColor('disabledForeground'));
  }

  private follow(): void {
    if (this.sessions.current?.state === 'running') this.enterRunning();
    else this.leaveRunning();
    if (this.sessions.current !== this.shown) this.refresher.ask();
  }

  private async refresh(): Promise<void> {
    const session = this.sessions.current;
    if (session !== this.shown) {
      this.shown = session;
      this.show({ rows: [] });
    }
    if (session?.state !== 'stopped' || !this.view.visible) return;
    const content = await this.load(session);
    if (content !== undefined && session === this.sessions.current) this.show(content);
  }

  private show({ rows, message }: RowTreeContent): void {
    this.rows = rows;
    this.view.message = message;
    this.treeData.fire(undefined);
  }

  private enterRunning(): void {
    if (this.running !== undefined) return;
    const over = new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.dim(true);
        void vscode.window.withProgress({ location: { viewId: this.id } }, () => over);
      }, RUNNING_AFTER);
      this.running = { timer, end: resolve };
    });
  }

  private leaveRunning(): void {
    if (this.running === undefined) return;
    clearTimeout(this.running.timer);
    this.running.end();
    this.running = undefined;
    this.dim(false);
  }

  private dim(dimmed: boolean): void {
    if (this.dimmed === dimmed) return;
    this.dimmed = dimmed;
    this.decorations.fire(undefined);
  }
}
