import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLedger } from '../src/ledger/create-ledger.ts';
import type { Ledger } from '../src/ledger/ledger.ts';
import { planBatch, readsOf } from '../src/ledger/plan.ts';
import { createPostgresLedger, openPostgresStore, parsePostgresUrl } from '../src/ledger/postgres.ts';
import { forgetfulCheckpoints } from '../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../src/ledger/store-memory.ts';
import { createLedgerFile } from '../src/ledger/store-sqlite-open.ts';
import { openSqliteStore } from '../src/ledger/store-sqlite.ts';
import type { LogStore } from '../src/ledger/store.ts';
import { ed25519Signer } from '../src/pki/signer-node.ts';
import { checkpointSigner } from '../src/tlog/checkpoint.ts';
import { emptyEdge } from '../src/tlog/tree.ts';
import type { TreeEdge } from '../src/tlog/tree.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { figure, quantile, type Figure } from './figure.ts';
import { allowDraft, fillers } from './ledger-drafts.ts';

/**
 * What a store takes to make entries durable and prove them, in one process: drafts are signed already, so this is the
 * ledger alone. Then what one entry takes in logs of growing length, which are filled with short entries first.
 * `BENCH_LEDGER_ENTRIES=10000000` adds a length, which takes some 3 GB and a few minutes in SQLite; `BENCH_LEDGER_STORE=sqlite`
 * measures that store alone.
 */
const inFlights = [1, 16, 64];
const measuredMs = 4_000;
const lengths = [1_000, 100_000, 1_000_000, ...extraLengths()];
const only = process.env['BENCH_LEDGER_STORE'];
const appendsAtLength = 500;
const fillBatch = 4_096;

const origin = 'log.bench.test';
const { privateKey } = generateKeyPairSync('ed25519');
const signer = ed25519Signer(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
const identity = { origin, publicKey: signer.publicKey };

/** A kind of store: each call of `open` opens the same log again, `fresh` makes a new one. */
interface Kind {
  readonly name: string;
  fresh(): Promise<() => Promise<LogStore>>;
}

export async function* bench(): AsyncGenerator<Figure> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const postgres =
    only === undefined || only === 'postgres' ? await startPostgres() : 'PostgreSQL was not asked for.';
  try {
    const kinds = [
      memoryKind,
      sqliteKind(work),
      ...(typeof postgres === 'string' ? [] : [postgresKind(() => postgres.url())]),
    ].filter(({ name }) => only === undefined || name === only);
    if (typeof postgres === 'string') console.error(postgres);
    for (const kind of kinds) for (const inFlight of inFlights) yield* throughput(kind, inFlight);
    for (const kind of kinds) if (kind !== memoryKind) yield* growth(kind);
  } finally {
    if (typeof postgres !== 'string') await postgres[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  }
}

async function* throughput(kind: Kind, inFlight: number): AsyncGenerator<Figure> {
  const open = await kind.fresh();
  const ledger = await openLedger(open);
  await load(ledger, inFlight, 500);
  const { perSecond, times } = await load(ledger, inFlight, measuredMs);
  await ledger.close();
  const title = `ledger: ${kind.name}, ${inFlight} in flight`;
  yield figure(`${title}: entries/s`, perSecond, '/s');
  yield figure(`${title}: p50 to inclusion`, quantile(times, 0.5), 'ms');
  yield figure(`${title}: p99 to inclusion`, quantile(times, 0.99), 'ms');
}

async function* growth(kind: Kind): AsyncGenerator<Figure> {
  const open = await kind.fresh();
  let edge: TreeEdge = emptyEdge;
  for (const length of lengths) {
    const store = await open();
    const before = performance.now();
    const from = edge.size;
    edge = await fill(store, edge, length);
    const filled = edge.size - from;
    yield figure(
      `ledger: ${kind.name}, filling to ${length}: entries/s`,
      (1_000 * filled) / (performance.now() - before),
      '/s',
    );
    await store.close();

    const opening = performance.now();
    const ledger = await openLedger(open);
    yield figure(`ledger: ${kind.name}, opening at ${length}`, performance.now() - opening, 'ms');
    const times: number[] = [];
    for (let i = 0; i < appendsAtLength; i++) times.push(await timed(() => ledger.append(allowDraft())));
    yield figure(`ledger: ${kind.name}, append at ${length}: p50`, quantile(times, 0.5), 'ms');
    yield figure(`ledger: ${kind.name}, append at ${length}: p99`, quantile(times, 0.99), 'ms');
    const size = (await ledger.checkpoint())?.size ?? 0;
    const proofs: number[] = [];
    for (let i = 0; i < 200; i++)
      proofs.push(await timed(() => ledger.prove(Math.floor(Math.random() * size))));
    yield figure(`ledger: ${kind.name}, proof at ${length}: p50`, quantile(proofs, 0.5), 'ms');
    await ledger.close();
  }
}

/** Appends with so many in flight for so long. */
async function load(
  ledger: Ledger,
  inFlight: number,
  forMs: number,
): Promise<{ readonly perSecond: number; readonly times: readonly number[] }> {
  const times: number[] = [];
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - start < forMs) {
      const draft = allowDraft();
      times.push(await timed(() => ledger.append(draft)));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { perSecond: (1_000 * times.length) / (performance.now() - start), times };
}

/** Makes the log `length` entries long, in large commits, without the proofs that nobody asks for. */
async function fill(store: LogStore, from: TreeEdge, length: number): Promise<TreeEdge> {
  const rules = {
    clockTolerance: 5_000,
    sign: checkpointSigner(origin, signer),
    publicKey: signer.publicKey,
  };
  let edge = from;
  while (edge.size < length) {
    const batch = fillers(Math.min(fillBatch, length - edge.size));
    await store.commit(readsOf(edge.size, batch), (snapshot) => {
      const plan = planBatch(edge, snapshot, batch, rules);
      const [refusal] = plan.refused.values();
      if (refusal !== undefined) throw refusal;
      edge = plan.after;
      return plan.writes;
    });
  }
  return edge;
}

async function openLedger(open: () => Promise<LogStore>): Promise<Ledger> {
  return createLedger({ store: await open(), signer, origin, released: forgetfulCheckpoints() });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

const memoryKind: Kind = {
  name: 'memory',
  fresh: async () => {
    const store = memoryStore(identity);
    return async () => store;
  },
};

function sqliteKind(work: string): Kind {
  let made = 0;
  return {
    name: 'sqlite',
    fresh: async () => {
      const path = join(work, `${++made}.sqlite`);
      createLedgerFile(path, identity);
      return () => openSqliteStore({ path, identity });
    },
  };
}

function postgresKind(url: () => string): Kind {
  return {
    name: 'postgres',
    fresh: async () => {
      const address = parsePostgresUrl(url());
      await createPostgresLedger(address, identity);
      return () => openPostgresStore({ address, identity });
    },
  };
}

function extraLengths(): number[] {
  const asked = Number(process.env['BENCH_LEDGER_ENTRIES'] ?? 0);
  return Number.isSafeInteger(asked) && asked > 1_000_000 ? [asked] : [];
}
