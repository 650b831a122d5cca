import type { Call } from '../call/call.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import type { JsonObject } from '../call/json.ts';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import type { Principal } from '../identity/principal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import {
  afterAllow,
  emptyHistory,
  encodeHistory,
  historyRoot,
  parseHistory,
  type History,
} from '../policy/flow/history.ts';
import { createSeen, type Seen } from '../policy/flow/seen.ts';
import type { Policy, Tool } from '../policy/policy.ts';
import { answerOf } from './commitments.ts';
import type { HeadMoves } from './counters/counters.ts';
import { requestOf } from './request-of.ts';
import type { Ending } from './settle.ts';

/** What a delegation did before, as policy may read it, and how that moves when one more call of it runs. */
export interface Past {
  readonly roots: { readonly history?: JsonObject; readonly origins?: JsonObject };
  /** What a decision read. */
  readonly expects: HeadMoves['expects'];
  /** What the ALLOW of this call sets; from then on the next draft builds on it. */
  run(): HeadMoves['sets'];
}

/**
 * History and value origin, by tenant, human and agent: no session and no key, so that a new one clears nothing. What was called
 * is a head of the ledger; which values were seen is remembered here, and what is forgotten came from nowhere.
 */
export interface Flow {
  before(call: Call, principal: Principal, now: number): Promise<Past>;
  /** A draft was refused: what was built on it is read anew. */
  forget(principal: Principal): void;
  /** What a call brought in. */
  remember(call: Call, principal: Principal, ending: Ending): void;
}

/** Delegations whose values are remembered, the last ones: a hostile server can make each cost some 25 MB. */
const seenKept = 32;

/** Delegations whose last history is at hand for the next draft, of at most 16 KB each: the others' are read. */
const draftedKept = 1_024;

export const historyPrefix = 'history/';

export function createFlow({ policy, ledger }: { readonly policy: Policy; readonly ledger: Ledger }): Flow {
  // By policy alone, and not by the grant of a call: what was not followed before it would be taken for nothing.
  const [readsHistory, readsOrigins] = [policy.reads.has('history'), policy.reads.has('origins')];
  const seen = new Map<string, Seen>();
  const drafted = new Map<string, string>();

  const before: Flow['before'] = async (call, principal, now) => {
    const key = historyKey(principal);
    const origins = readsOrigins ? originsBefore(key, call, requestOf(call, principal)?.text) : {};
    if (!readsHistory) return { roots: origins, expects: [], run: () => [] };
    const value = drafted.get(key) ?? (await ledger.heads([key])).get(key) ?? null;
    const history = value === null ? emptyHistory : parseHistory(value);
    return {
      roots: { ...origins, history: historyRoot(history, now) },
      expects: [{ key, value }],
      run: () => ran(key, history, call, now),
    };
  };

  const originsBefore = (
    key: string,
    call: Call,
    request: string | undefined,
  ): { readonly origins: JsonObject } => {
    const known = seen.get(key) ?? createSeen();
    return { origins: known.originsOf(call.arguments, request, policy.constants) };
  };

  const ran = (key: string, history: History, call: Call, now: number): HeadMoves['sets'] => {
    const tool = toolOf(call);
    const value = encodeHistory(afterAllow(history, tool, policy.labelOf(tool), now));
    drafted.delete(key);
    drafted.set(key, value);
    const [oldest] = drafted.keys();
    if (drafted.size > draftedKept && oldest !== undefined) drafted.delete(oldest);
    return [{ key, value }];
  };

  return {
    before,
    forget: (principal) => void drafted.delete(historyKey(principal)),
    remember(call, principal, ending) {
      const answer = readsOrigins ? answerOf(ending) : undefined;
      if (answer === undefined) return;
      const key = historyKey(principal);
      const tool = toolOf(call);
      const known = seen.get(key) ?? createSeen();
      known.remember(tool, policy.labelOf(tool), answer.value);
      seen.delete(key);
      seen.set(key, known);
      const [oldest] = seen.keys();
      if (seen.size > seenKept && oldest !== undefined) seen.delete(oldest);
    },
  };
}

function toolOf({ server, tool }: Call): Tool {
  return { server: server.name, name: tool };
}

/** Hashed: it names a person. */
function historyKey({ tenant, agent, human }: Principal): string {
  const who = [tenant, agent.value.id, human?.value.issuer ?? null, human?.value.subject ?? null];
  return `${historyPrefix}${hex(sha256(utf8(canonicalJson(who))))}`;
}
