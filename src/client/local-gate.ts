import type { CallDesk } from '../gate/call-desk.ts';
import type { Credentials } from '../identity/principal.ts';
import { createClient } from './create-client.ts';
import { denialOfThrown } from './denial.ts';
import type { CallOptions, GateClient } from './gate-client.ts';

export interface LocalGateOptions {
  readonly desk: CallDesk;
  readonly apiKey: string;
  /** What every call is narrowed to that brings no grant itself; asked at each. What it throws denies the call. */
  readonly grant?: (() => Promise<string | undefined>) | undefined;
}

/** A gate in this process: the same interface, the same refusals, no network. */
export function localGate({ desk, apiKey, grant: ownGrant }: LocalGateOptions): GateClient {
  const credentials = async ({ humanToken, deviceToken, grant }: CallOptions): Promise<Credentials> => ({
    apiKey,
    humanToken,
    deviceToken,
    grant: grant ?? (await ownGrant?.()),
  });
  return createClient({
    async decide(request, options) {
      try {
        const { callId, result } = await desk.decide(request, await credentials(options));
        return { ...result, callId };
      } catch (error) {
        return { kind: 'denied', denial: denialOfThrown(error) };
      }
    },
    async report(callId, report, options) {
      try {
        return await desk.report(callId, report, await credentials(options));
      } catch (error) {
        return { kind: 'refused', denial: denialOfThrown(error) };
      }
    },
  });
}
