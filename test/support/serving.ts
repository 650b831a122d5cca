import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countersign, type TestHome } from './home.ts';

/** `countersign serve`, listening. */
export interface Serving extends AsyncDisposable {
  readonly url: string;
  readonly configFile: string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Asks with the home's key. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Resolves to the exit code. */
  end(): Promise<number | null>;
}

/** Serves this configuration from a file `name` of the work folder, until it is ended. */
export async function startServing(
  home: TestHome,
  {
    name,
    text,
    args = [],
  }: { readonly name: string; readonly text: string; readonly args?: readonly string[] },
): Promise<Serving> {
  const configFile = join(home.work, name);
  writeFileSync(configFile, text);
  const child = spawn(process.execPath, [countersign, 'serve', '--config', configFile, ...args], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const listening = new Promise<string>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const [, url] = /listening on (https?:\S+)\n/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const url = await Promise.race([
    listening,
    closed.then((code) => Promise.reject(new Error(`It ended with ${code}: ${said}`))),
  ]);
  const end = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return closed;
  };
  return {
    url,
    configFile,
    stderr: () => said,
    signal: (signal) => void child.kill(signal),
    ask: async (path, { headers, ...init } = {}) =>
      fetch(url + path, {
        ...init,
        headers: { authorization: `Bearer ${home.apiKey}`, 'content-type': 'application/json', ...headers },
      }),
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}
