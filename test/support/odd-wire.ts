import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { countersign, type TestHome } from './home.ts';
import type { WireAnswer } from './wire.ts';
import { oddServer } from './wrapped.ts';

export interface OddWireOptions {
  /** What the server is called: `odd`. Two that run at once need two names, as each keeps its own record. */
  readonly name?: string;
  /** Of `wrap`: everything before its `--`, such as `--policy FILE`. */
  readonly options?: readonly string[];
  /** Of the odd server. */
  readonly flags?: readonly string[];
}

/** The odd server behind the built command, and a client that speaks in raw bytes. */
export interface OddWire {
  readonly child: ChildProcess;
  send(bytes: string | Uint8Array): void;
  /** Everything that the client got. */
  received(): string;
  lines(): string[];
  until(condition: (received: string) => boolean): Promise<void>;
  /** The answer with this id, once it is there. */
  answer(id: number | string | null): Promise<WireAnswer>;
  /** The server's own record of every line that reached it. */
  reached(): string[];
  /** A whole exchange: what was sent before and has not reached the server by now never does. */
  sync(): Promise<void>;
  stderr(): string;
  /** Closes stdin and waits for the end. */
  end(): Promise<number | null>;
}

export function startOddWire(
  home: TestHome,
  { name = 'odd', options = [], flags = [] }: OddWireOptions = {},
): OddWire {
  // The same command line each time: with another one it would be another server.
  const log = join(home.work, `reached-by-${name}`);
  rmSync(log, { force: true });
  const server = [process.execPath, oddServer, '--log', log, ...flags];
  const child = spawn(process.execPath, [countersign, 'wrap', '--name', name, ...options, '--', ...server], {
    env: home.env,
  });
  let got = '';
  let said = '';
  let syncs = 0;
  const waiting = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    got += chunk;
    for (const look of waiting) look();
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));

  const until: OddWire['until'] = (condition) =>
    new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      const inVain = (): void =>
        reject(new Error(`The client waited in vain. It got:\n${got.slice(-1_000)}\nstderr:\n${said}`));
      const look = (): void => {
        if (condition(got)) finish(resolve);
      };
      const timer = setTimeout(() => finish(inVain), 30_000);
      waiting.add(look);
      look();
    });
  const lines = (): string[] => got.split('\n').filter((line) => line.trim() !== '');
  /** Looks at each line once, however long the conversation is. */
  const answersById = createIndex(() => got);

  return {
    child,
    send: (bytes) => void child.stdin.write(bytes),
    received: () => got,
    lines,
    until,
    async answer(id) {
      await until(() => answersById().has(id));
      return answersById().get(id) as WireAnswer;
    },
    reached: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []),
    async sync() {
      syncs += 1;
      const id = `sync-${syncs}`;
      child.stdin.write(`${syncLine(id)}\n`);
      await until(() => answersById().has(id));
    },
    stderr: () => said,
    end() {
      child.stdin.end();
      return closed;
    },
  };
}

/** What `sync` sends; also how it stands in the server's record. */
export function syncLine(id: string): string {
  return `{"jsonrpc":"2.0","id":"${id}","method":"ping"}`;
}

function createIndex(text: () => string): () => ReadonlyMap<unknown, WireAnswer> {
  const answers = new Map<unknown, WireAnswer>();
  let at = 0;
  return () => {
    for (let end = text().indexOf('\n', at); end >= 0; end = text().indexOf('\n', at)) {
      const message = JSON.parse(text().slice(at, end)) as WireAnswer | WireAnswer[];
      for (const each of [message].flat()) {
        if (each.result !== undefined || each.error !== undefined) answers.set(each.id, each);
      }
      at = end + 1;
    }
    return answers;
  };
}
