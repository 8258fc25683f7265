import * as vscode from 'vscode';
import { readFileHead } from '../platform/node/file-head.ts';
import { HEAD_LENGTH, isKernelName, kernelFileOf } from './model/kernel-file.ts';
import type { KernelFile } from './model/kernel-file.ts';

/** Files looked at in a folder; more names than this are those of a source tree, whose kernels lie near its top. */
const MOST_FILES = 20_000;

export interface FoundKernel {
  readonly uri: vscode.Uri;
  readonly kernel: KernelFile;
}

/** The last part of a path. */
export function nameOf(uri: vscode.Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1);
}

/** What `uri` is, when it is a file that this machine could boot. */
async function kernelAt(uri: vscode.Uri): Promise<KernelFile | undefined> {
  if (uri.scheme !== 'file') return undefined;
  try {
    return kernelFileOf(await readFileHead(uri.fsPath, HEAD_LENGTH));
  } catch {
    // A file that is gone or cannot be read is not offered.
    return undefined;
  }
}

/** The file of the active editor, text or not, when it is a kernel. */
export async function activeKernel(): Promise<vscode.Uri | undefined> {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (!(input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom)) return undefined;
  return (await kernelAt(input.uri)) === undefined ? undefined : input.uri;
}

/** The kernels of a folder, or of the whole workspace: those with a Multiboot header first. */
export async function findKernels(folder: vscode.WorkspaceFolder | undefined): Promise<readonly FoundKernel[]> {
  const pattern = folder === undefined ? '**/*' : new vscode.RelativePattern(folder, '**/*');
  const files = await vscode.workspace.findFiles(pattern, '**/{.git,node_modules}/**', MOST_FILES);
  const candidates = files.filter((uri) => isKernelName(nameOf(uri)));
  const kernels: FoundKernel[] = [];
  for (const uri of candidates) {
    const kernel = await kernelAt(uri);
    if (kernel !== undefined) kernels.push({ uri, kernel });
  }
  const rank = ({ kernel }: FoundKernel): number => (kernel.hasMultibootHeader ? 0 : 1);
  return kernels.sort((a, b) => rank(a) - rank(b) || a.uri.path.localeCompare(b.uri.path));
}

/** Lets the user choose one of the kernels of a folder. Undefined when there is none, which is said, or none was chosen. */
export async function pickKernel(title: string, folder?: vscode.WorkspaceFolder): Promise<vscode.Uri | undefined> {
  const kernels = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: 'Looking for kernels' },
    () => findKernels(folder),
  );
  if (kernels.length === 0) return sayThatThereIsNone();
  const items = kernels.map(({ uri, kernel }) => ({
    label: nameOf(uri),
    description: vscode.workspace.asRelativePath(uri),
    detail: kernel.description,
    uri,
  }));
  return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.uri;
}

async function sayThatThereIsNone(): Promise<undefined> {
  const sample = 'Run a Sample Kernel';
  const chosen = await vscode.window.showErrorMessage(
    'This workspace has no kernel',
    { modal: true, detail: 'None of its files is an ELF of x86. Build the kernel, or set "program" in launch.json.' },
    sample,
  );
  if (chosen === sample) await vscode.commands.executeCommand('startOfDay.bootSample');
}
