import { toCountersignError } from '../../errors.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import type { Readiness } from '../../gateway/http/app.ts';
import type { ReasonCode } from '../../names.ts';

/** How the MCP servers are, by name. Asking costs nothing: it is what the last conversation with each has seen. */
export interface UpstreamStates {
  states(): Readonly<Record<string, 'ok' | 'unused' | ReasonCode>>;
}

export interface ReadinessOptions {
  readonly parts: Pick<SharedGateParts, 'ledger' | 'identity' | 'clock' | 'assertAlive'>;
  /**
   * Why the files that there are now could not be taken, if so: the configuration before is in force. Absent where another
   * configuration is another start.
   */
  readonly refused?: (() => ReasonCode | undefined) | undefined;
  /** Absent where there are none. */
  readonly upstreams?: UpstreamStates;
}

/**
 * Whether a call could be decided, signed and recorded now. What is told of configuration, policy and upstreams is for the
 * operator: by the former ones, and with the other servers, this gateway goes on.
 */
export async function readiness({ parts, refused, upstreams }: ReadinessOptions): Promise<Readiness> {
  const needed = {
    ledger: await stateOf(() => parts.ledger.checkpoint()),
    keys: await stateOf(() => parts.identity.current(parts.clock.now())),
    instance: await stateOf(() => parts.assertAlive()),
  };
  return {
    ready: Object.values(needed).every((state) => state === 'ok'),
    parts: { ...needed, ...(refused && filesState(refused())) },
    ...(upstreams && Object.keys(upstreams.states()).length > 0 && { upstreams: upstreams.states() }),
  };
}

function filesState(refused: ReasonCode | undefined): Readonly<Record<'configuration' | 'policy', string>> {
  if (refused === undefined) return { configuration: 'ok', policy: 'ok' };
  return refused.startsWith('POLICY_')
    ? { configuration: 'ok', policy: refused }
    : { configuration: refused, policy: 'ok' };
}

async function stateOf(part: () => unknown): Promise<string> {
  try {
    await part();
    return 'ok';
  } catch (error) {
    return toCountersignError(error, 'INTERNAL', '').code;
  }
}
