import { CountersignError } from '../../errors.ts';
import type { Mode } from '../../envelope/facts.ts';
import { openGovernance, homeAuthenticator, type Governance } from '../home/governance.ts';
import type { Listen } from './doors.ts';
import { createGenerations } from './generations.ts';
import { startHttpServer } from './http-server.ts';
import { assertIsolated } from './isolation.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { HomeLayout } from '../home/home-layout.ts';
import { openHome } from '../home/open-home.ts';
import { passphraseFrom, passphraseVariable } from '../keys/passphrase.ts';
import { createCallDesks } from './call-desks.ts';
import { beginGeneration, type Generation } from './serve-generation.ts';
import { readHomeServeSettings, readServeSettings, type ServeSettings } from './serve-settings.ts';
import { watchForQuiet } from './watch-for-quiet.ts';
import { packageVersion } from '../version.ts';

/** What is served; paths are absolute. */
export type Served =
  /** A configuration; on this unix socket in place of what it says. */
  | { readonly configFile: string; readonly socket?: string | undefined }
  /** The home's policy: decisions and the log. */
  | { readonly configFile?: undefined; readonly socket: string };

export interface ServeOptions {
  readonly home: string;
  /** Where the ledger is, with its password; what the home says unless told. */
  readonly ledger?: string | undefined;
  readonly serves: Served;
  /** Milliseconds after which it ends by itself when nobody has asked anything and no call is open; never unless told. */
  readonly idle?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  /** Once it listens, for each place: a URL, or `unix:PATH`. */
  readonly onListening: (place: string) => void;
  /** Whether another content of the configuration's files is taken by itself; on SIGHUP it is in any case. */
  readonly watch: boolean;
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

/** Milliseconds that running requests get to end at a shutdown. */
const shutdownMs = 10_000;

/** Serves the gateway until SIGINT or SIGTERM ends it; SIGHUP has the configuration read again. Resolves to the exit code. */
export async function runServe(options: ServeOptions): Promise<number> {
  const home = openHome(options.home, options.ledger, passphraseFrom(options.env, passphraseVariable));
  // A gate opens its ledger in one mode, and is in it to its end.
  const read = (inMode?: Mode): ServeSettings => {
    const settings = readSettings(options, home.layout);
    const { mode, listen } = settings.config;
    if (inMode !== undefined && mode !== inMode)
      throw new CountersignError('CONFIG_INVALID', 'Another mode needs a new start.');
    const secrets = settings.tls?.files.slice(1) ?? [];
    if (mode === 'isolated') assertIsolated({ layout: home.layout, files: settings.files, listen, secrets });
    return settings;
  };
  const settings = read();
  const { mode } = settings.config;
  const governance = await openGovernance(
    home,
    homeAuthenticator(home),
    options.stderr,
    settings.witnesses,
    mode,
  );
  try {
    await serve(options, governance, settings, () => read(mode));
    return 0;
  } finally {
    await governance.close();
  }
}

function readSettings(
  { serves, env }: ServeOptions,
  { policy: homePolicy, settings }: HomeLayout,
): ServeSettings {
  return serves.configFile !== undefined
    ? readServeSettings({ ...serves, homePolicy, env })
    : readHomeServeSettings({ ...serves, configFile: settings, homePolicy, env });
}

async function serve(
  { stderr, signals, watch, idle, onListening }: ServeOptions,
  governance: Governance,
  settings: ServeSettings,
  read: () => ServeSettings,
): Promise<void> {
  const { listen, limits } = settings.config;
  const own = new Set<string>();
  const metrics: Metrics = createMetrics(
    {
      logSize: async () => (await governance.homeLedger.ledger.checkpoint())?.size ?? 0,
      requestsInFlight: () => server.inFlight(),
      openStreams: () => server.openStreams(),
    },
    { version: packageVersion(), mode: settings.config.mode },
  );
  const stopped = Promise.withResolvers<void>();
  const desks = createCallDesks();
  const begin = (by: ServeSettings): Promise<Generation> =>
    beginGeneration(governance, by, {
      isOwnHost: (host) => own.has(host) || by.config.hosts.includes(host),
      metrics,
      refused: () => generations.refused(),
      desks,
      stopping: stopped.promise,
      stderr,
    });
  const generations = await createGenerations(settings, {
    read,
    begin,
    stderr,
    onTaken: ({ tls }) => tls && server.renewTls(tls),
  });
  const quiet = watchForQuiet({
    after: idle,
    isBusy: () => server.inFlight() + server.openStreams() > 0,
    settled: generations.reported,
    onQuiet: () => stopped.resolve(),
  });
  const server = await startHttpServer({
    fetch(request, bindings) {
      quiet.asked();
      return generations.fetch(request, bindings);
    },
    listen,
    tls: settings.tls,
    maxInFlight: limits.inFlight,
    maxConnections: limits.connections,
    onRefused: metrics.onRefused,
  });
  for (const host of ownHosts(server.tcp)) own.add(host);

  const onStop = (): void => stopped.resolve();
  signals.on('SIGINT', onStop);
  signals.on('SIGTERM', onStop);
  signals.on('SIGHUP', generations.takeAgain);
  if (watch) generations.watch();
  if (server.tcp)
    onListening(`${listen.tls ? 'https' : 'http'}://${urlHost(server.tcp.host)}:${server.tcp.port}`);
  if (listen.socket !== undefined) onListening(`unix:${listen.socket}`);

  await stopped.promise;
  quiet.end();
  signals.off('SIGHUP', generations.takeAgain);
  await generations.stop();
  // Together: streams end because their generation does, and requests because the server waits for them.
  const [, ended] = await Promise.allSettled([server.close(shutdownMs), generations.end()]);
  signals.off('SIGINT', onStop);
  signals.off('SIGTERM', onStop);
  if (ended.status === 'rejected') throw ended.reason;
}

/** What a client on this machine may call the gateway. Over a socket there is no port to name. */
function ownHosts(tcp: Listen['tcp']): readonly string[] {
  if (tcp === undefined) return ['localhost'];
  const names = [urlHost(tcp.host), 'localhost', '127.0.0.1', '[::1]'];
  return ['localhost', ...names.map((name) => `${name}:${tcp.port}`)];
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
