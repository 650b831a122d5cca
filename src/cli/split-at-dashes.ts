/** What stands before the first `--`, and what after it: that belongs to another program. */
export function splitAtDashes(args: readonly string[]): {
  readonly own: string[];
  /** Absent where there are no dashes. */
  readonly words: readonly string[] | undefined;
} {
  const at = args.indexOf('--');
  return at < 0
    ? { own: [...args], words: undefined }
    : { own: args.slice(0, at), words: args.slice(at + 1) };
}
