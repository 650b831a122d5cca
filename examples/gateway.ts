import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const countersign = new URL('../dist/bin/countersign.js', import.meta.url).pathname;
const run = promisify(execFile);

/** `countersign serve`, in a home of its own. */
export interface Gateway {
  readonly url: string;
  readonly apiKey: string;
  /** Runs `countersign verify` on a text; resolves to whether it proves what is expected. */
  readonly verify: (evidence: string, expected: 'executed' | 'deny') => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** @param folder An example's: its `countersign.yaml` and `policy.yaml` are served. */
export async function startGateway(folder: URL): Promise<Gateway> {
  const work = await mkdtemp(join(tmpdir(), 'countersign-example-'));
  const env = { PATH: process.env['PATH'] ?? '', HOME: work, COUNTERSIGN_HOME: join(work, 'home') };
  const cli = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [countersign, ...args], { env })).stdout;
  let serving: ChildProcess | undefined;
  const close = async (): Promise<void> => {
    if (serving) await ended(serving);
    await rm(work, { recursive: true, force: true });
  };

  try {
    const { apiKey } = JSON.parse(await cli('init', '--json')) as { apiKey: string };
    const trust = join(work, 'trusted_root.json');
    await writeFile(trust, await cli('trust'));
    for (const file of ['countersign.yaml', 'policy.yaml']) await cp(new URL(file, folder), join(work, file));
    serving = spawn(process.execPath, [countersign, 'serve', '--config', join(work, 'countersign.yaml')], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return {
      url: await listening(serving),
      apiKey,
      async verify(evidence, expected) {
        const file = join(work, 'evidence.json');
        await writeFile(file, evidence);
        return cli('verify', '--trust', trust, '--expect', expected, file).then(
          () => true,
          () => false,
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The address that the gateway says it listens on. */
function listening(gateway: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    gateway.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const [, url] = /listening on (http:\S+)\n/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    gateway.once('exit', () => reject(new Error(`It ended before it was ready: ${said}`)));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
