import * as vscode from 'vscode';
import { AdapterFactory } from './adapter-factory.ts';
import { registerCommands } from './commands.ts';
import { DebugConfigurationProvider } from './debug-configuration-provider.ts';
import { showSessionError } from './session-error-message.ts';
import { createMachineTree, createPvOpsTree } from './machine-views.ts';
import { ReadOnlyDocuments } from './read-only-documents.ts';
import { ScreenPanels } from './screen-panels.ts';
import { SerialTerminals } from './serial-terminal.ts';
import { DEBUG_TYPE, Sessions } from './sessions.ts';
import { createStatusItem } from './status-item.ts';

/** The composition root of the extension. */
export function activate(context: vscode.ExtensionContext): void {
  const sessions = new Sessions();
  const documents = new ReadOnlyDocuments();
  const screens = new ScreenPanels(context.extensionUri, sessions, documents);
  const terminals = new SerialTerminals(sessions);
  const configurations = new DebugConfigurationProvider();
  const { Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
  context.subscriptions.push(
    sessions,
    documents,
    screens,
    terminals,
    createPvOpsTree(sessions),
    createMachineTree(sessions),
    createStatusItem(sessions),
    sessions.failed.on(({ session, error }) => void showSessionError(session, error)),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new AdapterFactory(context.extensionUri)),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations.dynamic, Dynamic),
    ...registerCommands({ extension: context.extensionUri, sessions, documents, screens, terminals }),
  );
}
