import { hex } from '../call/sha256.ts';
import type { SignedStatement } from '../envelope/envelope.ts';
import type { EntryDraft, Ledger } from '../ledger/ledger.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import { createLane } from './lane.ts';
import { encodeSessionHead, parseSessionHead, sessionHeadKey, type SessionHead } from './session-head.ts';

/** What a statement of a session states: its number, and the digest of the one before. */
export interface SessionLink {
  readonly id: string;
  readonly seq: number;
  /** Hex SHA-256 of the previous statement's pre-authentication encoding; absent for the first. */
  readonly prev?: string;
}

/** A draft before the session's own head is added to what it expects and sets. */
export type LinkedDraft = Omit<EntryDraft, 'expects' | 'sets'> &
  Partial<Pick<EntryDraft, 'expects' | 'sets'>>;

export interface Appended<D extends LinkedDraft> {
  readonly draft: D;
  readonly proof: InclusionProof;
}

/** The gapless numbering of one agent's statements: one draft at a time, committed in groups. */
export interface SessionChain {
  readonly id: string;
  /**
   * Decides, drafts and signs inside `make`, alone among this session's statements; resolves once the entry is durable.
   * The next draft does not wait for the commit: it builds on this one's digest, and fails with it.
   * Rejects with LEDGER_CONFLICT when a head that was read has moved: then decide again.
   */
  append<D extends LinkedDraft>(make: (link: SessionLink) => Promise<D>): Promise<Appended<D>>;
  /** Appends the closing statement, if the session was ever opened. */
  close(make: (link: SessionLink) => Promise<LinkedDraft>): Promise<void>;
}

export interface SessionChainOptions {
  readonly id: string;
  readonly instance: string;
  readonly ledger: Ledger;
  /** Signs the opening statement, which goes before the session's first one. */
  readonly open: (link: SessionLink) => Promise<{ readonly signed: SignedStatement; readonly time: number }>;
  /** Where a session that another instance left open stands. */
  readonly resume?: SessionHead;
}

export function createSessionChain({
  id,
  instance,
  ledger,
  open,
  resume,
}: SessionChainOptions): SessionChain {
  const lane = createLane();
  const key = sessionHeadKey(id);
  const waiting = new Set<Promise<unknown>>();
  let head: SessionHead | null = resume ?? null;
  let broken = false;

  /** After a refused append nothing that was drafted on top of it can hold: start again from what is durable. */
  const recover = async (): Promise<void> => {
    await Promise.allSettled(waiting);
    const durable = (await ledger.heads([key])).get(key);
    head = durable === undefined ? null : parseSessionHead(durable);
    broken = false;
  };

  const link = (): SessionLink => ({ id, seq: head?.seq ?? 0, ...(head ? { prev: head.prev } : {}) });

  const enqueue = (draft: LinkedDraft, next: SessionHead | null): Promise<InclusionProof> => {
    const commit = ledger.append({
      ...draft,
      expects: [...(draft.expects ?? []), { key, value: head && encodeSessionHead(head) }],
      sets: [...(draft.sets ?? []), { key, value: next && encodeSessionHead(next) }],
    });
    head = next;
    const settled = commit.catch(() => {
      broken = true;
    });
    waiting.add(settled);
    void settled.then(() => waiting.delete(settled));
    return commit;
  };

  const after = ({ signed }: LinkedDraft): SessionHead => ({
    instance,
    seq: (head?.seq ?? 0) + 1,
    prev: hex(signed.paeSha256),
  });

  const openOnce = async (): Promise<void> => {
    if (head) return;
    const opening: LinkedDraft = { ...(await open(link())), side: [] };
    // Its failure reaches the statement behind it, which expects this one's head.
    enqueue(opening, after(opening)).catch(() => undefined);
  };

  return {
    id,
    async append(make) {
      const { draft, commit } = await lane.run(async () => {
        if (broken) await recover();
        await openOnce();
        const drafted = await make(link());
        return { draft: drafted, commit: enqueue(drafted, after(drafted)) };
      });
      return { draft, proof: await commit };
    },
    async close(make) {
      const closing = await lane.run(async () => {
        if (broken) await recover();
        return head ? { commit: enqueue(await make(link()), null) } : undefined;
      });
      await closing?.commit;
    },
  };
}
