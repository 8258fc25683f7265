/** What a page of a webview may load: nothing but the files named here. */
export interface PageResources {
  readonly script: string;
  readonly style: string;
  /** Origin of the files: `webview.cspSource`. */
  readonly source: string;
  readonly nonce: string;
}

/** The page of the Screen view. */
export function screenPage({ script, style, source, nonce }: PageResources): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>Screen</title>
</head>
<body>
<div id="screen" tabindex="0" role="application" aria-label="Text screen of the machine. Keys go to the machine; Tab leaves."></div>
<footer>
<span id="state"></span>
<span>Click the screen to type. Tab leaves.</span>
<button id="read" type="button">Read Screen as Text</button>
</footer>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
