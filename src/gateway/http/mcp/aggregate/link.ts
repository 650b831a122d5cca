import { CountersignError, toCountersignError } from '../../../../errors.ts';
import { within, type Caller, type Reach } from './reach.ts';

/** One server, as one client has it: it is begun when the client first needs it, and again after it ended. */
export interface Link {
  readonly name: string;
  /** The server, begun if it is not. Rejects with `UPSTREAM_GONE` when that fails, or takes longer than we wait for it now. */
  reach(caller: Caller): Promise<Reach>;
  /** The server as it is reached now; undefined when it was not begun, or has ended. */
  readonly reached: Reach | undefined;
  /** Milliseconds that a question that all servers are asked waits for this one. */
  readonly patienceMs: number;
  /** It answered such a question in time, or it did not. */
  wasPatient(isAnswered: boolean): void;
  /** It has to be begun anew: it ended, or does not know us any more. */
  lose(reach: Reach): void;
  close(): Promise<void>;
}

export interface Patience {
  /** What a server is waited for that others wait with it. */
  readonly waitMs: number;
  /** The same, of one that was waited for in vain. */
  readonly impatientMs: number;
  /** Until a server that could not be begun is begun again: doubled each time, up to the longest. */
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

export const defaultPatience: Patience = {
  waitMs: 10_000,
  impatientMs: 1_000,
  retryMs: 500,
  longestRetryMs: 30_000,
};

export interface LinkOptions {
  readonly name: string;
  readonly begin: (caller: Caller, onGone: () => void) => Promise<Reach>;
  readonly patience: Patience;
  readonly warn: (sentence: string) => void;
  /** It was begun after somebody had stopped waiting for it. */
  readonly onLate: () => void;
}

export function createLink({ name, begin, patience, warn, onLate }: LinkOptions): Link {
  let beginning: Promise<Reach> | undefined;
  let reached: Reach | undefined;
  let failures = 0;
  let failedAt = -Infinity;
  let isPatient = true;
  let isMissed = false;
  let isClosed = false;

  const lose = (reach: Reach | undefined): void => {
    if (reach !== reached) return;
    reached = undefined;
    beginning = undefined;
  };
  const rest = (): number => Math.min(patience.retryMs * 2 ** (failures - 1), patience.longestRetryMs);
  const start = async (caller: Caller): Promise<Reach> => {
    const end = { isHere: false };
    let mine: Reach | undefined;
    try {
      mine = await begin(caller, () => {
        end.isHere = true;
        lose(mine);
      });
      if (end.isHere || isClosed) {
        await mine.close();
        throw new CountersignError('UPSTREAM_GONE', 'The server ended at its start.');
      }
      reached = mine;
      failures = 0;
      if (isMissed) onLate();
      isMissed = false;
      return mine;
    } catch (error) {
      failures += 1;
      failedAt = performance.now();
      beginning = undefined;
      const { message } = toCountersignError(error, 'UPSTREAM_GONE', 'It cannot be begun.');
      warn(`The server ${name} cannot be asked at /mcp: ${message}`);
      throw new CountersignError('UPSTREAM_GONE', `The server ${name} cannot be reached.`, { cause: error });
    }
  };

  return {
    name,
    async reach(caller) {
      if (isClosed || (!beginning && failures > 0 && performance.now() - failedAt < rest()))
        throw new CountersignError('UPSTREAM_GONE', `The server ${name} cannot be reached.`);
      beginning ??= start(caller);
      beginning.catch(() => undefined);
      try {
        return await within(beginning, this.patienceMs);
      } catch (error) {
        isMissed = true;
        throw error;
      }
    },
    get reached() {
      return reached;
    },
    get patienceMs() {
      return isPatient ? patience.waitMs : patience.impatientMs;
    },
    wasPatient(isAnswered) {
      isPatient = isAnswered;
    },
    lose,
    async close() {
      isClosed = true;
      const open = reached;
      reached = undefined;
      await open?.close();
    },
  };
}
