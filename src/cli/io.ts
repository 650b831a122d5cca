/** What a command may touch of the world: handed in, so that tests can hand in theirs. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface Command {
  readonly help: string;
  /** Whether a reader who has stopped reading its output must not keep the ended command alive. */
  readonly endsAtOnce?: boolean;
  /** Resolves to the exit code: 0 done, 1 refused or failed, 2 misuse. */
  run(args: readonly string[], io: Io): Promise<number>;
}
