import { connectGate } from '../../client/connect-gate.ts';
import type { GateClient } from '../../client/gate-client.ts';
import { CountersignError } from '../../errors.ts';
import { assertGuardedSocket, type GateAddress } from '../connect/gate-address.ts';
import { createNodeFetch } from '../connect/node-fetch.ts';
import { localGateSocket, startLocalGate, type LocalGateOptions } from './local-gate.ts';

/** Which gate a hook asks. */
export interface HookGateOptions extends LocalGateOptions {
  /** One elsewhere; the home's own unless told. */
  readonly gate: GateAddress | undefined;
  readonly apiKey: string | undefined;
  /** The folder of `countersign enroll`, and authorities in PEM: for a gate over TLS. */
  readonly identity: string | undefined;
  readonly ca: string | undefined;
}

/** Milliseconds that one try may take: two of them fit into the hook's own time. */
const tryMs = 10_000;

/** Rejects with API_KEY_MISSING, HOME_MISSING, GATE_UNREACHABLE or CONFIG_INVALID. */
export async function connectHookGate(options: HookGateOptions, start: boolean): Promise<GateClient> {
  const { gate, apiKey, identity, ca } = options;
  if (!apiKey)
    throw new CountersignError(
      'API_KEY_MISSING',
      'There is no API key: set COUNTERSIGN_API_KEY in the environment in which this host is started.',
    );
  const socketPath = gate ? gate.socketPath : await ownSocket(options, start);
  if (socketPath !== undefined) assertGuardedSocket(socketPath);
  const fetch = createNodeFetch({
    ...(socketPath !== undefined && { socketPath }),
    ...(identity !== undefined && { identity }),
    ...(ca !== undefined && { ca }),
  });
  return connectGate({ url: gate?.base ?? 'http://localhost', apiKey, fetch, timeout: tryMs, retries: 1 });
}

/** A call that was allowed by a gate which is gone is settled by the next one: there is nobody to be told now. */
function ownSocket(options: HookGateOptions, start: boolean): Promise<string> | string {
  return start ? startLocalGate(options) : localGateSocket(options.home);
}
