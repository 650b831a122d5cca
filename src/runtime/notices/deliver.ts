import { cloudEventMediaType } from './cloud-event.ts';

/** Who is told, and how. */
export interface Recipient {
  readonly url: string;
  /** Of the operator's configuration, credentials included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds of one try. */
  readonly timeout: number;
}

export interface Delivery {
  readonly recipient: Recipient;
  readonly body: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds before each try after the first. */
  readonly pauses: readonly number[];
  readonly signal: AbortSignal;
}

/** Posts until it is taken, refused for good, or tried often enough. Resolves to why it was not taken; never rejects. */
export async function deliver(delivery: Delivery): Promise<string | undefined> {
  const { pauses, signal } = delivery;
  for (let attempt = 0; ; attempt += 1) {
    if (signal.aborted) return 'the gate ended before';
    const answer = await post(delivery);
    if (answer.kind === 'taken') return undefined;
    const pause = pauses[attempt];
    if (answer.kind === 'refused' || pause === undefined) return answer.why;
    await elapsed(pause, signal);
  }
}

type Answer =
  | { readonly kind: 'taken' }
  /** `failed` may pass. */
  | { readonly kind: 'refused' | 'failed'; readonly why: string };

async function post({ recipient, body, fetch, signal }: Delivery): Promise<Answer> {
  // Not `AbortSignal.timeout`, whose timers stay behind requests that have long been answered.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), recipient.timeout);
  try {
    const response = await fetch(recipient.url, {
      method: 'POST',
      headers: { ...recipient.headers, 'content-type': cloudEventMediaType },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    });
    await response.body?.cancel();
    return answerOf(response);
  } catch {
    return { kind: 'failed', why: late.signal.aborted ? 'no answer in time' : 'cannot be reached' };
  } finally {
    clearTimeout(timer);
  }
}

/** A redirect is an answer: the operator named one place, and credentials go nowhere else. */
function answerOf({ ok, status }: Response): Answer {
  if (ok) return { kind: 'taken' };
  const mayPass = status === 408 || status === 429 || status >= 500;
  return { kind: mayPass ? 'failed' : 'refused', why: `HTTP ${status}` };
}

function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
