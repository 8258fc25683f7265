import type { ScreenReply } from '../../adapter/protocol.ts';

/** What the extension tells the Screen view. */
export type ScreenUpdate =
  | { readonly type: 'screen'; readonly screen: ScreenReply; readonly state: 'running' | 'stopped' }
  | { readonly type: 'ended' };

/** What the Screen view tells the extension. */
export type ScreenRequest =
  | { readonly type: 'ready' }
  | { readonly type: 'keys'; readonly scanCodes: readonly number[] }
  | { readonly type: 'readAsText' };
