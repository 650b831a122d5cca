import type { Credentials } from '../../../identity/principal.ts';
import type { UpstreamAuthority } from '../../../targets/mcp-http.ts';
import type { Post } from './exchange.ts';
import { requestsOf } from './request-ids.ts';
import type { McpUpstream } from './upstream.ts';

/** In whose name the requests of one conversation are made. All of them are one person's: a conversation has one owner. */
export interface InWhoseName {
  /** Of a POST: in its own, as another token of the same person may allow other things. */
  of(post: Post): UpstreamAuthority | undefined;
  /** Of what is asked for the conversation itself: in that of who came last. */
  readonly latest: UpstreamAuthority | undefined;
  /** Somebody came, though nothing of theirs is sent yet. */
  met(credentials: Credentials): void;
}

export function inWhoseName({ actsFor }: Pick<McpUpstream, 'actsFor'>): InWhoseName {
  // A gateway that speaks for a client, as in a handshake, brings what the client brought when it began.
  const seen = new WeakSet<Credentials>();
  let latest: UpstreamAuthority | undefined;
  const met = (credentials: Credentials): void => {
    if (actsFor === undefined || credentials.humanToken === undefined || seen.has(credentials)) return;
    seen.add(credentials);
    latest = actsFor(credentials);
  };
  return {
    of({ message, credentials }) {
      met(credentials);
      // An answer to the server needs nobody's authority but that it is still the same person.
      return requestsOf(message).length === 0 ? latest : actsFor?.(credentials);
    },
    get latest() {
      return latest;
    },
    met,
  };
}
