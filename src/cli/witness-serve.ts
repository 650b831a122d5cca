import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { serveWitness, type Answered } from '../runtime/witness/witness-server.ts';
import { openWitness } from '../runtime/witness/witness.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

const defaultPort = '7390';

/** `witness serve DIR`: answers until it is told to stop. */
export async function witnessServe(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: 'string', default: defaultPort },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw usage('Say which witness: witness serve DIR');
  const port = portOf(values.port);
  const witness = openWitness(resolve(io.cwd, directory));
  try {
    const server = await serveWitness(witness, {
      host: values.host,
      port,
      onAnswer: (answered) => io.stderr.write(answerLine(answered)),
    });
    io.stdout.write(`Listening on ${server.url}\n${witness.vkey}\n`);
    if (!isLoopback(values.host)) {
      io.stderr.write('Others can reach this over plain HTTP: put a server with TLS in front of it.\n');
    }
    await stopSignal();
    await server.stop();
    return 0;
  } finally {
    witness.close();
  }
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 2 ** 16) return Number(text);
  throw usage('A port is a number from 0 to 65535.');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The second signal ends the process at once, as signals do. */
function stopSignal(): Promise<void> {
  return new Promise((stop) => {
    const signals = ['SIGINT', 'SIGTERM'] as const;
    const stopped = (): void => {
      for (const signal of signals) process.off(signal, stopped);
      stop();
    };
    for (const signal of signals) process.on(signal, stopped);
  });
}

/** Characters of an origin that a line shows: before it is known to be a log's, a stranger chose it. */
const shownOrigin = 120;

function answerLine({ status, finding, origin, oldSize, size, forks = [], code }: Answered): string {
  const parts = [
    new Date().toISOString(),
    String(status),
    finding,
    ...(origin === undefined
      ? []
      : [printable(origin.slice(0, shownOrigin)), `${oldSize ?? '?'}→${size ?? '?'}`]),
    ...forks.map((kind) => `FORK:${kind}`),
    ...(code === undefined ? [] : [code]),
  ];
  return `${parts.join(' ')}\n`;
}
