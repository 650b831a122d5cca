import type { JsonObject } from '../call/json.ts';
import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { metaKeys } from '../names.ts';

/** What a model is told of a call that gave it no result, so that it can do something else. */
export function toldToModel({ message, code }: Denial): string {
  return `${message} (${code})`;
}

/** Of a `RunResult`, what is for machines. */
interface ToldToMachines {
  readonly envelopes?: CallEnvelopes;
  readonly denial?: Denial;
}

/** The envelopes, and the refusal if there is one, under the names that they have in MCP's `_meta`: for a framework's metadata. */
export function metaOf({ envelopes, denial }: ToldToMachines): JsonObject {
  return {
    ...(envelopes && { [metaKeys.envelope]: envelopesOf(envelopes) }),
    ...(denial && { [metaKeys.denial]: { ...denial } }),
  };
}

function envelopesOf({ verdict, outcome, openings }: CallEnvelopes): JsonObject {
  const parsed = (bundle: string): JsonObject => JSON.parse(bundle) as JsonObject;
  return {
    verdict: parsed(verdict),
    ...(outcome !== undefined && { outcome: parsed(outcome) }),
    openings: { ...openings },
  };
}
