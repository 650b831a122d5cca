import type { Notice, Notices } from '../../gate/parts.ts';
import { createWarner } from '../../gateway/mcp/warnings.ts';
import { cloudEventOf } from './cloud-event.ts';
import { deliver, type Recipient } from './deliver.ts';

/** What came of a notice; `dropped` where too many were waiting already. */
export type NoticeResult = 'delivered' | 'failed' | 'dropped';

export interface NoticesOptions {
  /** By the name that rules know them by. */
  readonly recipients: Readonly<Record<string, Recipient>>;
  /** A URI of the gate. */
  readonly source: string;
  readonly stderr: { write(text: string): unknown };
  readonly onEnd?: (to: string, result: NoticeResult) => void;
  readonly fetch?: typeof globalThis.fetch;
  readonly limits?: Partial<NoticeLimits>;
}

export interface NoticeLimits {
  /** Notices that may wait for one recipient. */
  readonly waiting: number;
  /** Milliseconds before each try after the first. */
  readonly pauses: readonly number[];
  /** Milliseconds that the end waits for what is still under way. */
  readonly closeWithin: number;
}

const defaultLimits: NoticeLimits = { waiting: 512, pauses: [500, 4_000], closeWithin: 1_000 };

export interface OpenNotices extends Notices {
  /** Takes no more, and resolves once what waits was told, or the time for that is over. */
  close(): Promise<void>;
}

/** What waits for one recipient, and whoever sends it: one after another. */
interface Line {
  readonly recipient: Recipient;
  readonly waiting: string[];
  sending?: Promise<void> | undefined;
}

/** Tells recipients what came of calls, beside the calls: what is slow or broken there costs no call anything. */
export function createNotices(options: NoticesOptions): OpenNotices {
  const { recipients, source, stderr, onEnd, fetch = globalThis.fetch } = options;
  const { waiting: most, pauses, closeWithin } = { ...defaultLimits, ...options.limits };
  const lines = new Map(
    Object.entries(recipients).map(([name, recipient]): [string, Line] => [name, { recipient, waiting: [] }]),
  );
  const warn = createWarner((line) => stderr.write(line));
  const end = new AbortController();
  let isClosing = false;

  const ended = (to: string, result: NoticeResult, why?: string): void => {
    if (why !== undefined) warn(`A notice to ${to} was not delivered: ${why}.`);
    onEnd?.(to, result);
  };
  const sendAll = async (to: string, { recipient, waiting }: Line): Promise<void> => {
    // After whatever tells it has gone on.
    await Promise.resolve();
    for (let body = waiting.shift(); body !== undefined; body = waiting.shift()) {
      const why = await deliver({ recipient, body, fetch, pauses, signal: end.signal });
      ended(to, why === undefined ? 'delivered' : 'failed', why);
    }
  };

  return {
    names: new Set(lines.keys()),
    tell(to: string, notice: Notice) {
      const line = lines.get(to);
      if (line === undefined || isClosing) ended(to, 'dropped', 'nobody takes it any more');
      else if (line.waiting.length >= most) ended(to, 'dropped', 'too many are waiting');
      else {
        line.waiting.push(cloudEventOf(notice, source, Date.now()));
        line.sending ??= sendAll(to, line).finally(() => (line.sending = undefined));
      }
    },
    async close() {
      isClosing = true;
      const timer = setTimeout(() => end.abort(), closeWithin);
      await Promise.all([...lines.values()].map(async ({ sending }) => sending));
      clearTimeout(timer);
    },
  };
}
