import { toCountersignError } from '../../errors.ts';
import { openGovernance, homeAuthenticator, type Governance } from '../home/governance.ts';
import { startHttpServer } from './http-server.ts';
import { openHome } from '../home/open-home.ts';
import { passphraseFrom, passphraseVariable } from '../keys/passphrase.ts';
import { beginGeneration, type Generation } from './serve-generation.ts';
import { readServeSettings, type ServeSettings } from './serve-settings.ts';

export interface ServeOptions {
  readonly home: string;
  /** Where the ledger is, with its password; what the home says unless told. */
  readonly ledger?: string | undefined;
  /** Absolute. */
  readonly configFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  /** Once it listens. */
  readonly onListening: (url: string) => void;
  /** Where signals come from: the process. */
  readonly signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

/** Milliseconds that running requests get to end at a shutdown. */
const shutdownMs = 10_000;

/** Serves the gateway until SIGINT or SIGTERM ends it; SIGHUP has the configuration read again. Resolves to the exit code. */
export async function runServe(options: ServeOptions): Promise<number> {
  const home = openHome(options.home, options.ledger, passphraseFrom(options.env, passphraseVariable));
  const read = (): ServeSettings => readServeSettings({ ...options, homePolicy: home.layout.policy });
  const settings = read();
  const governance = await openGovernance(home, homeAuthenticator(home), options.stderr, settings.witnesses);
  try {
    await serve(options, governance, settings, read);
    return 0;
  } finally {
    await governance.close();
  }
}

async function serve(
  { stderr, signals, onListening }: ServeOptions,
  governance: Governance,
  settings: ServeSettings,
  read: () => ServeSettings,
): Promise<void> {
  const { listen, limits } = settings.config;
  const own = new Set<string>();
  const begin = (by: ServeSettings): Promise<Generation> =>
    beginGeneration(governance, by, {
      isOwnHost: (host) => own.has(host) || by.config.hosts.includes(host),
      stderr,
    });
  let current = await begin(settings);
  const server = await startHttpServer({
    fetch: (request, bindings) => current.fetch(request, bindings),
    host: listen.host,
    port: listen.port,
    maxInFlight: limits.inFlight,
  });
  for (const host of ownHosts(listen.host, server.port)) own.add(host);

  let reloading: Promise<void> = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      const next = await begin(read());
      const before = current;
      current = next;
      stderr.write('countersign: the new configuration is in force\n');
      await before.retire();
    } catch (error) {
      const { code, message } = toCountersignError(
        error,
        'INTERNAL',
        'The configuration could not be taken.',
      );
      stderr.write(`countersign: ${code}: ${message}\ncountersign: the old configuration stays in force\n`);
    }
  };
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => stopped.resolve();
  const onHangup = (): void => void (reloading = reloading.then(reload));
  signals.on('SIGINT', onStop);
  signals.on('SIGTERM', onStop);
  signals.on('SIGHUP', onHangup);
  onListening(`http://${urlHost(listen.host)}:${server.port}`);

  await stopped.promise;
  signals.off('SIGHUP', onHangup);
  await reloading;
  await server.close(shutdownMs);
  await current.retire();
  signals.off('SIGINT', onStop);
  signals.off('SIGTERM', onStop);
}

/** What a client on this machine may call the gateway. */
function ownHosts(host: string, port: number): readonly string[] {
  return [urlHost(host), 'localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`);
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
