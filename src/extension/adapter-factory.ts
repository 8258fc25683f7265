import * as vscode from 'vscode';

/** Starts the adapter in a process of its own, on the runtime that this extension runs on: nothing else has to be installed. */
export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  private readonly adapter: string;

  constructor(extension: vscode.Uri) {
    this.adapter = vscode.Uri.joinPath(extension, 'dist', 'adapter.js').fsPath;
  }

  createDebugAdapterDescriptor(): vscode.DebugAdapterDescriptor {
    // On the desktop the runtime is Electron, which is Node.js when told so.
    return new vscode.DebugAdapterExecutable(process.execPath, [this.adapter], { env: { ELECTRON_RUN_AS_NODE: '1' } });
  }
}
