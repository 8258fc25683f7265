import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ChangedEvent, CustomEvent, SerialEvent, View } from '../adapter/protocol.ts';
import { Emitter } from '../util/emitter.ts';
import type { Subscription } from '../util/emitter.ts';
import { MachineSession } from './machine-session.ts';
import { adapterEnded, launchError } from './model/session-error.ts';
import type { SessionError } from './model/session-error.ts';
import { stateAfter } from './model/session-state.ts';

export const DEBUG_TYPE = 'start-of-day';

/** The live sessions of this extension, which of them the views show, and what happens in them. */
export class Sessions {
  /** Another session is shown, or one has started, stopped, gone on or ended. */
  readonly changed = new Emitter<void>();
  /** Views of a session are out of date. */
  readonly invalidated = new Emitter<{ session: MachineSession; views: readonly View[] }>();
  readonly serialReceived = new Emitter<{ session: MachineSession; text: string }>();
  readonly ended = new Emitter<MachineSession>();
  /** A kernel was refused, or an adapter ended by itself. */
  readonly failed = new Emitter<{ session: MachineSession; error: SessionError }>();

  private readonly live = new Map<string, MachineSession>();
  private readonly subscriptions: readonly Subscription[];

  constructor() {
    this.subscriptions = [
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => this.track(session),
      }),
      vscode.debug.onDidChangeActiveDebugSession(() => this.changed.fire()),
      vscode.debug.onDidReceiveDebugSessionCustomEvent((event) => this.receive(event)),
    ];
  }

  /** The session that the views show: the one chosen in VS Code's Call Stack. */
  get current(): MachineSession | undefined {
    const active = vscode.debug.activeDebugSession;
    return active === undefined ? undefined : this.live.get(active.id);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private track(debug: vscode.DebugSession): vscode.DebugAdapterTracker {
    const session = new MachineSession(debug);
    this.live.set(debug.id, session);
    this.updateContext();
    return {
      onDidSendMessage: (message: DebugProtocol.ProtocolMessage) => {
        const error = launchError(message);
        if (error !== undefined) this.failed.fire({ session, error });
        const state = stateAfter(session.state, message);
        if (state === session.state) return;
        session.state = state;
        this.changed.fire();
      },
      onWillStopSession: () => this.forget(session),
      onExit: (code, signal) => {
        const error = adapterEnded(code, signal);
        if (error !== undefined && this.live.has(debug.id)) this.failed.fire({ session, error });
        this.forget(session);
      },
    };
  }

  private receive({ session: { id }, event, body }: vscode.DebugSessionCustomEvent): void {
    const session = this.live.get(id);
    if (session === undefined) return;
    switch (event as CustomEvent) {
      case 'startOfDay/changed':
        this.invalidated.fire({ session, views: (body as ChangedEvent).views });
        break;
      case 'startOfDay/serial':
        this.serialReceived.fire({ session, text: session.serial.receive((body as SerialEvent).text) });
        break;
    }
  }

  private forget(session: MachineSession): void {
    if (!this.live.delete(session.debug.id)) return;
    session.state = 'ended';
    this.ended.fire(session);
    this.updateContext();
    this.changed.fire();
  }

  private updateContext(): void {
    void vscode.commands.executeCommand('setContext', 'startOfDay.session', this.live.size > 0);
  }
}
