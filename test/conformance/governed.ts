/** The gateway in front of the fixture, as a user runs it: a home, one server, one policy that allows everything. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { countersign, testHome, type TestHome } from '../support/home.ts';

export interface Governed extends AsyncDisposable {
  /** Where the fixture is reached through the gateway. */
  readonly url: string;
  readonly apiKey: string;
  /** Ends the gateway and replays its log. */
  audit(): Promise<GovernedLog>;
}

/** What the gateway's log says when all is over. Without calls in it nothing was governed, and nothing was measured. */
export interface GovernedLog {
  readonly sound: boolean;
  readonly allowed: number;
  readonly denied: number;
  readonly outcomes: number;
}

/** Tools, resources, prompts and completion alike: a reading is a call by a name with a colon. */
export const policy = `version: 1
name: transparent
rules:
  - { id: everything, effect: allow, tools: ['fixture/*'] }
`;

/** `host` is the value of `Host` that is answered, and the host of the one origin that may call. */
export async function startGoverned(upstream: string, host: string): Promise<Governed> {
  const home = await testHome();
  writeFileSync(join(home.work, 'everything.yaml'), policy);
  const config = join(home.work, 'countersign.yaml');
  writeFileSync(
    config,
    `version: 1
listen: { port: 0 }
hosts: ['${host}']
origins: ['http://${host}']
policies: [everything.yaml]
servers:
  fixture: { url: '${upstream}' }
`,
  );
  const child = spawn(process.execPath, [countersign, 'serve', '--config', config], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = (): Promise<void> => {
    child.kill('SIGTERM');
    return closed;
  };
  const end = async (): Promise<void> => {
    await stop();
    await home[Symbol.asyncDispose]();
  };
  try {
    const origin = await listening(() => said, closed);
    return {
      url: `${origin}/mcp/fixture`,
      apiKey: home.apiKey,
      async audit() {
        await stop();
        return auditLog(home);
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function auditLog(home: TestHome): Promise<GovernedLog> {
  const log = join(home.work, 'log');
  await home.cli('log', 'export', log);
  const { code, stdout, stderr } = await home.cli('audit', '--trust', home.trustFile, '--json', log);
  if (stdout === '') throw new Error(`The log could not be audited:\n${stderr}`);
  const { kinds } = (JSON.parse(stdout) as { readonly entries: { readonly kinds: Record<string, number> } })
    .entries;
  const count = (kind: string): number => kinds[kind] ?? 0;
  return { sound: code === 0, allowed: count('allow'), denied: count('deny'), outcomes: count('outcome') };
}

async function listening(said: () => string, closed: Promise<void>): Promise<string> {
  const gone = closed.then(() => true);
  for (const patience = performance.now() + 30_000; performance.now() < patience;) {
    const origin = /listening on (http:\/\/\S+)\n/.exec(said())?.[1];
    if (origin !== undefined) return origin;
    if (await Promise.race([gone, pause(20, false)])) break;
  }
  throw new Error(`The gateway did not start:\n${said()}`);
}
