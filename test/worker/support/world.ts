import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { createHome } from '../../../src/runtime/home/create-home.ts';
import { openHome } from '../../../src/runtime/home/open-home.ts';
import { workerSecrets } from '../../../src/runtime/home/worker-secrets.ts';
import { repository } from '../../architecture/source.ts';
import { bundleWorker } from './bundle.ts';

/** A home that was handed to a Worker, and what the Worker is made of. */
export interface World extends Disposable {
  readonly work: string;
  readonly home: string;
  readonly apiKey: string;
  readonly trustFile: string;
  readonly secrets: Readonly<Record<string, string>>;
}

export async function makeWorld(): Promise<World> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-worker-'));
  const home = join(work, 'home');
  const { apiKey, trustedRoot } = await createHome(home, undefined, () => undefined);
  return {
    work,
    home,
    apiKey,
    trustFile: trustedRoot,
    secrets: await workerSecrets(openHome(home, '', () => undefined)),
    [Symbol.dispose]: () => rmSync(work, { recursive: true, force: true }),
  };
}

/** The entry of the example that users deploy, over the sources of this repository. */
export function bundleExample(
  entry = join(repository, 'examples/cloudflare-worker/worker.js'),
): Promise<string> {
  return bundleWorker({ entry, alias: { 'countersign/worker': join(repository, 'src/runtime/worker.ts') } });
}

/** What the Worker asks of the network. */
export type Service = (asked: Asked) => Response | Promise<Response>;

export interface Asked {
  readonly url: string;
  readonly text: string;
  /** As the gate says it to the service. */
  readonly callId: string;
}

export interface WorkerOptions {
  readonly script: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly service?: Service;
  /** Where the object's SQLite and the bucket are kept; nowhere unless told. */
  readonly persist?: string;
  /** More Workers beside it, and more of its configuration. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface RunningWorker extends AsyncDisposable {
  readonly workerd: Miniflare;
  readonly url: URL;
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** The keys in the bucket. */
  tiles(): Promise<readonly string[]>;
}

const answered: Service = () => Response.json({ paid: true });

/** Starts it in real workerd. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { script, bindings, service = answered, persist, more = {} } = options;
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'worker.js', contents: script }],
      compatibilityDate: '2026-10-01',
      durableObjects: { LOG: { className: 'Log', useSQLite: true } },
      r2Buckets: ['TILES'],
      bindings: { ...bindings },
      host: '127.0.0.1',
      port: 0,
      cf: false,
      ...(persist !== undefined && { resourcePersistencePath: persist }),
      async outboundService(request: Request) {
        const callId = request.headers.get('idempotency-key') ?? '';
        return service({ url: request.url, text: await request.text(), callId });
      },
      ...more,
    }),
  );
  const url = await workerd.ready;
  return {
    workerd,
    url,
    ask: (path, init) => fetch(new URL(path, url), init),
    async tiles() {
      const bucket = await workerd.getR2Bucket('TILES');
      return (await bucket.list()).objects.map(({ key }) => key).toSorted();
    },
    [Symbol.asyncDispose]: () => workerd.dispose(),
  };
}

/** The example's action, asked for as an agent does. */
export function refund(
  { ask }: Pick<RunningWorker, 'ask'>,
  apiKey: string,
  amount: number,
): Promise<Response> {
  return ask('/actions/refund-order', {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ order: 'A-1001', amount }),
  });
}

export function readTrust({ trustFile }: World): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(trustFile));
}
