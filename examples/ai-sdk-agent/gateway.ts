import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
const here = new URL('.', import.meta.url).pathname;
const run = promisify(execFile);

/** `countersign serve` with a home of its own. */
export interface Gateway {
  readonly url: string;
  readonly apiKey: string;
  /** Runs `countersign verify` on this evidence; throws unless it proves what is expected. */
  readonly verify: (evidence: string, expected: 'executed' | 'deny') => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startGateway(): Promise<Gateway> {
  const work = await mkdtemp(join(tmpdir(), 'countersign-shop-'));
  const home = join(work, 'home');
  const trust = join(work, 'trusted_root.json');
  const env = { PATH: process.env['PATH'] ?? '', HOME: work };
  const cli = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [countersign, ...args], { env })).stdout;
  let server: ChildProcess | undefined;
  const close = async (): Promise<void> => {
    if (server) await ended(server);
    await rm(work, { recursive: true, force: true });
  };

  try {
    const { apiKey } = JSON.parse(await cli('init', '--home', home, '--json')) as { apiKey: string };
    await writeFile(trust, await cli('trust', '--home', home));
    const args = ['serve', '--home', home, '--config', join(here, 'countersign.yaml')];
    server = spawn(process.execPath, [countersign, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    return {
      url: await address(server),
      apiKey,
      async verify(evidence, expected) {
        const file = join(work, 'evidence.json');
        await writeFile(file, evidence);
        await cli('verify', '--trust', trust, '--expect', expected, file);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where the server listens, once it says so. */
function address(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      const [, url] = /listening on (http:\S+)\n/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    server.once('exit', () => reject(new Error(`It ended before it was ready: ${said}`)));
  });
}

function ended(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill('SIGTERM');
  });
}
