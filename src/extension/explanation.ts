import * as vscode from 'vscode';
import { explain, formatExplain } from '../boot/explain.ts';
import { readWholeFile } from '../platform/node/files.ts';
import { StartOfDayError } from '../util/errors.ts';
import { nameOf } from './kernel-picker.ts';
import type { ReadOnlyDocuments } from './read-only-documents.ts';

/** Opens what each entry protocol finds in a file: whether it can be entered that way, and if not, what is missing. */
export async function showExplanation(image: vscode.Uri, documents: ReadOnlyDocuments): Promise<void> {
  const name = nameOf(image);
  try {
    const bytes = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: `Reading ${name}` },
      () => readWholeFile(image.fsPath),
    );
    await documents.show(`${name} entries`, formatExplain(explain(name, bytes)));
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    await vscode.window.showErrorMessage(error.title, { modal: true, detail: error.detail });
  }
}
