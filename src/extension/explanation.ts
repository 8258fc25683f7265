import * as vscode from 'vscode';
import type { ReadOnlyDocuments } from './read-only-documents.ts';

export async function showExplanation(image: vscode.Uri, documents: ReadOnlyDocuments): Promise<void> {
  await documents.show('Entries', image.fsPath);
}
