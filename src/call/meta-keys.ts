import { metaPrefix } from '../names.ts';
import { foldCase } from './case-fold.ts';

/**
 * How our members share `_meta` with a server's, both ways: the gateway splices them in, whoever verifies takes them
 * out again. A server's keys in our name space are renamed by writing `upstream.` before them. A key that already
 * looks renamed is renamed again, so that undoing one renaming always gives the server's own key.
 */
export const upstreamPrefix = 'upstream.';

/** Whether a key is ours. */
export function isOwnKey(key: string): boolean {
  return key.startsWith(metaPrefix);
}

/** Whether a server's key must be renamed: ours, ours in another case, or one that looks renamed. */
export function mustRename(key: string): boolean {
  let folded = foldCase(key);
  while (folded.startsWith(upstreamPrefix)) folded = folded.slice(upstreamPrefix.length);
  return folded.startsWith(metaPrefix);
}

/** Whether a key is one that `mustRename` made us rename. */
export function wasRenamed(key: string): boolean {
  return key.startsWith(upstreamPrefix) && mustRename(key);
}
