import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

/**
 * What `diff -u` prints (POSIX, section “Diff -u Output Format”), under the path on both sides; empty where nothing differs. Control
 * characters but the tab are shown as `\u{…}`: a diff is printed on terminals.
 */
export function unifiedDiff(before: string, after: string, path: string): string {
  if (before === after) return '';
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY };
  const patch = createTwoFilesPatch(path, path, before, after, undefined, undefined, options);
  return patch.split('\n').map(printable).join('\n');
}

function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (found) =>
    found === '\t' ? found : `\\u{${found.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}
