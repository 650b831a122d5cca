import { execFile } from 'node:child_process';
import { CountersignError } from '../../errors.ts';
import type { HumanTokenSource } from './human-token.ts';
import { tokenEnd } from './token-end.ts';

export interface TokenCommandOptions {
  /** The program, and its arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly withinMs?: number;
}

/** What `identity/` would look at at most. */
const maxOutputBytes = 16 << 10;
const endsWithinMs = 10_000;
/** A token this near its end is not handed out any more. */
const marginMs = 2_000;
/** A command that has failed is not run again for every call. */
const restMs = 1_000;

/** The token that a command prints, kept until it ends. Rejects with LOGIN_FAILED when there is none. */
export function commandToken(options: TokenCommandOptions): HumanTokenSource {
  let kept: { readonly token: Promise<string>; readonly until: number } | undefined;
  let running: Promise<string> | undefined;

  const run = async (): Promise<string> => {
    const token = printed(options);
    const until = await token.then(
      (text) => (tokenEnd(text) ?? 0) - marginMs,
      () => Date.now() + restMs,
    );
    kept = { token, until };
    running = undefined;
    return token;
  };
  return () => {
    if (kept !== undefined && Date.now() < kept.until) return kept.token;
    return (running ??= run());
  };
}

/** Without a shell, and without anything of what it says in an error: that may be a token. */
function printed({ command, env, cwd, withinMs = endsWithinMs }: TokenCommandOptions): Promise<string> {
  const [program = '', ...args] = command;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    program,
    args,
    { cwd, env, timeout: withinMs, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes, encoding: 'utf8' },
    (error, output) => {
      const token = output.replace(/\r?\n$/, '');
      if (error) reject(failed(whyOf(error)));
      else if (token === '') reject(failed('printed none'));
      else resolve(token);
    },
  );
  // It has nothing to read, and may be gone before it is told so.
  child.stdin?.on('error', () => undefined).end();
  return promise;
}

function whyOf({ code, killed }: Error & { code?: unknown; killed?: boolean }): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed more than a token';
  if (killed === true) return 'did not end in time';
  return typeof code === 'number' ? `ended with exit code ${code}` : 'could not be run';
}

function failed(what: string): CountersignError {
  return new CountersignError('LOGIN_FAILED', `The command that prints the human’s token ${what}.`);
}
