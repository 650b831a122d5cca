/** A hook's command line, as hosts hand it to a shell. */
export interface HookLine {
  /** How Countersign is started: one word where everybody finds it, else Node and the program, absolute. */
  readonly program: readonly string[];
  readonly host: string;
  /** What follows: no secrets. */
  readonly options: readonly string[];
}

export function hookLine({ program, host, options }: HookLine, platform: NodeJS.Platform): string {
  return [...program, 'hook', host, ...options].map((word) => quoted(word, platform)).join(' ');
}

/** Whether a host's command line is a hook of ours for this host, whatever its options and wherever the program is. */
export function isHookLine(line: unknown, host: string): boolean {
  if (typeof line !== 'string') return false;
  const [before, ...after] = line.split(` hook ${host}`);
  const rest = after.join(` hook ${host}`);
  return after.length > 0 && /countersign(?:\.js|\.cmd)?["']?$/.test(before ?? '') && /^(?:\s|$)/.test(rest);
}

const plain = /^[\w@%+=:,./-]+$/;

/** For a POSIX shell; for Windows as its own programs split a command line. */
function quoted(word: string, platform: NodeJS.Platform): string {
  if (plain.test(word)) return word;
  if (platform === 'win32') return `"${word.replaceAll('"', '\\"')}"`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
