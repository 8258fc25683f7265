import * as vscode from 'vscode';
import { Emitter } from '../util/emitter.ts';
import type { Subscription } from '../util/emitter.ts';
import type { MachineSession } from './machine-session.ts';
import { serialBytes } from './model/serial-text.ts';
import type { Sessions } from './sessions.ts';

/** The terminals named COM1: one for each session, opened on demand or by `"serial": "terminal"`. */
export class SerialTerminals {
  private readonly terminals = new Map<MachineSession, vscode.Terminal>();
  private readonly output = new Emitter<{ session: MachineSession; text: string }>();
  private readonly subscriptions: readonly Subscription[];

  constructor(sessions: Sessions) {
    this.subscriptions = [
      sessions.serialReceived.on((event) => {
        if (!this.terminals.has(event.session) && event.session.debug.configuration['serial'] === 'terminal')
          this.open(event.session);
        this.output.fire(event);
      }),
      sessions.ended.on((session) =>
        this.output.fire({ session, text: '\r\n\x1b[2mThe session has ended.\x1b[0m\r\n' }),
      ),
      vscode.window.onDidCloseTerminal((closed) => {
        for (const [session, terminal] of this.terminals) if (terminal === closed) this.terminals.delete(session);
      }),
    ];
  }

  dispose(): void {
    for (const terminal of this.terminals.values()) terminal.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** Shows the terminal of a session, in place of one whose session has ended. It starts with what the port has sent so far. */
  open(session: MachineSession): void {
    for (const [other, terminal] of this.terminals) if (other.state === 'ended') terminal.dispose();
    const terminal = this.terminals.get(session) ?? this.create(session);
    this.terminals.set(session, terminal);
    terminal.show(true);
  }

  private create(session: MachineSession): vscode.Terminal {
    const write = new vscode.EventEmitter<string>();
    const subscription = this.output.on((event) => {
      // Until it is open, a terminal loses what is written to it; the history then holds it.
      if (event.session === session && opened) write.fire(event.text);
    });
    let opened = false;
    const pty: vscode.Pseudoterminal = {
      onDidWrite: write.event,
      open: () => {
        opened = true;
        write.fire(session.serial.history);
      },
      close: () => {
        subscription.dispose();
        write.dispose();
      },
      handleInput: (typed) => {
        if (session.state !== 'ended') void session.request('startOfDay/serialInput', { text: serialBytes(typed) });
      },
    };
    return vscode.window.createTerminal({ name: 'COM1', iconPath: new vscode.ThemeIcon('circuit-board'), pty });
  }
}
