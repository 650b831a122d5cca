import { utf8 } from '../../call/bytes.ts';
import { readAtMost } from '../../call/read-at-most.ts';
import { CountersignError } from '../../errors.ts';
import type { SingleMessage } from '../../gateway/mcp/message.ts';
import { failures, messagesOf, namedErrors, type Asked } from './asked.ts';
import { deliver } from './deliver.ts';
import { brokenOff, noAnswer, refusalOf, unusable } from './gate-answer.ts';
import { readStream, resume } from './listen.ts';
import type { RemoteState } from './remote-relay.ts';
import { isEventStream } from './remote-session.ts';

/** One HTTP request of a conversation, until everything that it asked is answered. */
export interface Exchange {
  run(body: Uint8Array, headers: Readonly<Record<string, string>>): Promise<void>;
  /** Resolves once its bytes have left, or cannot. */
  readonly sent: Promise<void>;
  /** Resolves once the gate has begun to answer, or will not. */
  readonly head: Promise<void>;
  /** Whether the gate took it. */
  readonly accepted: Promise<boolean>;
}

const lineFeed = utf8('\n');

/** @param asked The requests in it; none for a notification or a client's own answer. */
export function createExchange(state: RemoteState, asked: readonly Asked[], wasBatch: boolean): Exchange {
  const sent = Promise.withResolvers<void>();
  const head = Promise.withResolvers<void>();
  const accepted = Promise.withResolvers<boolean>();
  const signal = AbortSignal.any([state.end.signal, ...asked.slice(0, 1).map(({ abort }) => abort.signal)]);
  const open = (): readonly Asked[] => asked.filter(({ id }) => state.waiting.has(id.key));

  /** What was answered, or cancelled meanwhile, has left the table. */
  const fail = (error: CountersignError): void => {
    const left = open();
    for (const { id } of left) state.waiting.take(id.key);
    const line = failures(
      left.filter(({ isCancelled }) => !isCancelled),
      wasBatch,
      error,
    );
    if (line) state.hasFailed = true;
    if (line) state.toClient(line, lineFeed);
    else if (asked.length === 0) state.warn(`A message was not taken by the gate. ${error.message}`);
  };

  /** Why what is not answered now will not be. */
  const hear = async (response: Response): Promise<CountersignError> => {
    if (isEventStream(response) && response.ok) {
      const reading = { position: { lastEventId: undefined, retryMs: undefined }, signal, among: asked };
      const fault = await readStream(state, response, reading);
      if (fault) return fault;
      if (state.session.isLegacy)
        await resume(state, reading, () => open().some(({ isCancelled }) => !isCancelled));
      return brokenOff();
    }
    const body = await readAtMost(response.body, state.maxMessageBytes);
    if (body === undefined) return unusable(`it is longer than ${state.maxMessageBytes} bytes.`);
    if (response.status === 404 && isSessionGone(state, body)) {
      state.onLost(sessionGone());
      return sessionGone();
    }
    if (asked.length > 0 && body.length > 0) tell(state, body, open, wasBatch);
    return response.ok ? unusable('it does not answer what was asked.') : refusalOf(response.status, body);
  };

  const run: Exchange['run'] = async (body, headers) => {
    try {
      const response = await state.session.post(body, headers, { signal, onSent: sent.resolve });
      if (asked.some(({ method }) => method === 'initialize') && response.ok)
        state.session.opened(response.headers.get('mcp-session-id'));
      accepted.resolve(response.ok);
      head.resolve();
      if (asked.length === 0 && response.ok) await response.body?.cancel();
      else fail(await hear(response));
    } catch (error) {
      fail(noAnswer(error));
    } finally {
      accepted.resolve(false);
      head.resolve();
      sent.resolve();
    }
  };
  return { run, sent: sent.promise, head: head.promise, accepted: accepted.promise };
}

/** Passes on a body that is JSON-RPC. An error in it that names no request is about the one that it answers. */
function tell(state: RemoteState, body: Uint8Array, open: () => readonly Asked[], wasBatch: boolean): void {
  const messages = messagesOf(body);
  if (messages === undefined) return;
  const nameless = messages.all.find(isNameless);
  if (nameless?.kind !== 'response' || nameless.error === undefined) {
    deliver(state, body, open());
    return;
  }
  const left = open();
  for (const { id } of left) state.waiting.take(id.key);
  const line = namedErrors(left, wasBatch, nameless);
  if (line) state.toClient(line, lineFeed);
}

function isNameless(message: SingleMessage): boolean {
  return message.kind === 'response' && message.id === undefined;
}

/** A server that knows a session no more says 404, and names no request in it. */
function isSessionGone({ session }: RemoteState, body: Uint8Array): boolean {
  return session.hasId && !messagesOf(body)?.all.some((message) => message.kind === 'response' && message.id);
}

function sessionGone(): CountersignError {
  return new CountersignError(
    'GATE_UNREACHABLE',
    'The gate has ended this session, or was started anew: connect again.',
  );
}
