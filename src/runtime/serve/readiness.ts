import { toCountersignError } from '../../errors.ts';
import type { Readiness } from '../../gateway/http/app.ts';
import type { ReasonCode } from '../../names.ts';
import type { Governance } from '../home/governance.ts';

/** How the MCP servers are, by name. Asking costs nothing: it is what the last conversation with each has seen. */
export interface UpstreamStates {
  states(): Readonly<Record<string, 'ok' | 'unused' | ReasonCode>>;
}

export interface ReadinessParts {
  readonly governance: Pick<Governance, 'homeLedger' | 'gateParts'>;
  /** Why the files that there are now could not be taken, if so: the configuration before is in force. */
  readonly refused: () => ReasonCode | undefined;
  /** Absent where there are none. */
  readonly upstreams?: UpstreamStates;
}

/**
 * Whether a call could be decided, signed and recorded now. What is told of configuration, policy and upstreams is for the
 * operator: by the former ones, and with the other servers, this gateway goes on.
 */
export async function readiness({ governance, refused, upstreams }: ReadinessParts): Promise<Readiness> {
  const { homeLedger, gateParts } = governance;
  const needed = {
    ledger: await stateOf(() => homeLedger.ledger.checkpoint()),
    keys: await stateOf(() => gateParts.identity.current(gateParts.clock.now())),
    instance: await stateOf(() => gateParts.assertAlive()),
  };
  const code = refused();
  const isPolicy = code?.startsWith('POLICY_') === true;
  return {
    ready: Object.values(needed).every((state) => state === 'ok'),
    parts: {
      ...needed,
      configuration: isPolicy ? 'ok' : (code ?? 'ok'),
      policy: isPolicy ? code : 'ok',
    },
    ...(upstreams && Object.keys(upstreams.states()).length > 0 && { upstreams: upstreams.states() }),
  };
}

async function stateOf(part: () => unknown): Promise<string> {
  try {
    await part();
    return 'ok';
  } catch (error) {
    return toCountersignError(error, 'INTERNAL', '').code;
  }
}
