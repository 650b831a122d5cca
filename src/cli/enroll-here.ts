import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemCode } from '../errors.ts';
import { parseGateAddress } from '../runtime/connect/gate-address.ts';
import { identityIn, type ClientIdentity } from '../runtime/enrol/identity-folder.ts';
import { keepIdentity } from '../runtime/enrol/keep-identity.ts';
import {
  enrolByToken,
  renewIdentity,
  type EnrolmentToken,
  type IdentityRequest,
} from '../runtime/enrol/request-identity.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

const variable = 'COUNTERSIGN_JOIN_TOKEN';

/** `enroll --gate`: on the workload's machine. */
export async function enrollHere(args: readonly string[], io: Io): Promise<number> {
  const values = valuesOf(args);
  const request = requestOf(values, io);
  if (values.keep && values.gate?.startsWith('https:') !== true)
    throw usage('--keep renews over TLS: it needs a gate at https://….');
  const identity = await obtain(values, request, io);
  show(identity, values, io);
  if (!values.keep) return 0;
  return keep(identity, values, request, io);
}

type Values = ReturnType<typeof valuesOf>;

function valuesOf(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      gate: { type: 'string' },
      out: { type: 'string' },
      ca: { type: 'string' },
      'token-file': { type: 'string' },
      'workload-token-file': { type: 'string' },
      renew: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.renew && (values.keep || values['token-file'] || values['workload-token-file']))
    throw usage('--renew renews once, by the certificate: without --keep, and without a token.');
  if (values['token-file'] && values['workload-token-file'])
    throw usage('Give one token: --token-file or --workload-token-file.');
  return values;
}

function requestOf({ gate, out, ca }: Values, { cwd }: Io): IdentityRequest {
  if (gate === undefined || out === undefined)
    throw usage('Say which gate, and where to keep the identity: --gate ADDRESS --out DIR');
  return {
    gate: parseGateAddress(gate, cwd),
    folder: resolve(cwd, out),
    ...(ca !== undefined && { ca: readText(resolve(cwd, ca)) }),
  };
}

function obtain(values: Values, request: IdentityRequest, io: Io): Promise<ClientIdentity> {
  if (values.renew) return renewIdentity(request);
  const held = values.keep ? stillValid(request.folder) : undefined;
  if (held !== undefined) return Promise.resolve(held);
  return enrolByToken(request, tokenOf(values, io));
}

/** A service that is started again goes on with what it has: its join token is used. */
function stillValid(folder: string): ClientIdentity | undefined {
  try {
    const identity = identityIn(folder)();
    return Date.now() < identity.notAfter ? identity : undefined;
  } catch {
    return undefined;
  }
}

function tokenOf(values: Values, { env, cwd }: Io): EnrolmentToken {
  const workload = values['workload-token-file'];
  if (workload !== undefined) return { workloadToken: readText(resolve(cwd, workload)).trim() };
  const file = values['token-file'];
  const joinToken = file === undefined ? env[variable] : readText(resolve(cwd, file));
  if (!joinToken?.trim())
    throw usage(`Give a join token: --token-file FILE, or ${variable}. Whoever runs the gate makes one.`);
  return { joinToken: joinToken.trim() };
}

async function keep(
  identity: ClientIdentity,
  values: Values,
  request: IdentityRequest,
  io: Io,
): Promise<number> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await keepIdentity({
      identity,
      renew: () => renewIdentity(request),
      // A join token can be used once; what issues a workload's own token writes a new one into its file.
      enrolAnew: values['workload-token-file'] ? () => enrolByToken(request, tokenOf(values, io)) : undefined,
      onRenewed: ({ notAfter }) => io.stderr.write(`countersign: renewed, until ${instant(notAfter)}\n`),
      onFailed: ({ code, message }, next) =>
        io.stderr.write(`countersign: ${code}: ${message} The next try is at ${instant(next)}.\n`),
      signal: stopped.signal,
    });
    return 0;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function show({ agent, notAfter }: ClientIdentity, { out = '', json }: Values, { stdout }: Io): void {
  const text = json
    ? JSON.stringify({ agent, notAfter: instant(notAfter), folder: out })
    : `${agent} until ${instant(notAfter)}, in ${out}`;
  stdout.write(`${text}\n`);
}

function instant(time: number): string {
  return new Date(time).toISOString();
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    throw usage(`${file} cannot be read (${code}).`);
  }
}
