import type { CallDesk } from '../gate/call-desk.ts';
import type { Credentials } from '../identity/principal.ts';
import { createClient } from './create-client.ts';
import { denialOfThrown } from './denial.ts';
import type { CallOptions, GateClient } from './gate-client.ts';

export interface LocalGateOptions {
  readonly desk: CallDesk;
  readonly apiKey: string;
}

/** A gate in this process: the same interface, the same refusals, no network. */
export function localGate({ desk, apiKey }: LocalGateOptions): GateClient {
  const credentials = ({ humanToken, deviceToken }: CallOptions): Credentials => ({
    apiKey,
    humanToken,
    deviceToken,
  });
  return createClient({
    async decide(request, options) {
      try {
        const { callId, result } = await desk.decide(request, credentials(options));
        return { ...result, callId };
      } catch (error) {
        return { kind: 'denied', denial: denialOfThrown(error) };
      }
    },
    async report(callId, report, options) {
      try {
        return await desk.report(callId, report, credentials(options));
      } catch (error) {
        return { kind: 'refused', denial: denialOfThrown(error) };
      }
    },
  });
}
