import { utf8 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';
import { errorAnswerTo, refusalAnswer } from '../../gateway/mcp/answers.ts';
import type { Frame } from '../../gateway/mcp/framer.ts';
import { classify, type Message, type SingleMessage } from '../../gateway/mcp/message.ts';
import type { GrantSource } from '../grants/grant-environment.ts';
import type { HumanTokenSource } from '../login/human-token.ts';
import { askedOf, cancelledKey, createAskedTable, type AskedTable } from './asked.ts';
import { createExchange } from './exchange.ts';
import { listenWhileOpen } from './listen.ts';
import { createMirroredArguments, type MirroredArguments } from './mirrored-arguments.ts';
import { createRemoteSession, type RemoteSession } from './remote-session.ts';
import { derivedHeaders } from './request-headers.ts';
import type { Send } from './node-fetch.ts';

export interface RemoteRelayOptions {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly humanToken?: HumanTokenSource | undefined;
  readonly grant?: GrantSource | undefined;
  readonly send: Send;
  /** Sends bytes to the client, a whole line at a time. */
  readonly toClient: (...parts: Uint8Array[]) => void;
  /** What to wait for before more is read of the gate; undefined to read on. */
  readonly whenToPause: () => Promise<unknown> | undefined;
  /** Tells the operator one sentence. It never holds bytes of a message. */
  readonly warn: (sentence: string) => void;
  readonly maxMessageBytes: number;
  readonly maxInFlight: number;
}

/** What all exchanges of one conversation share. */
export interface RemoteState extends RemoteRelayOptions {
  readonly session: RemoteSession;
  readonly waiting: AskedTable;
  readonly mirrored: MirroredArguments;
  /** Aborted at the end of the conversation: everything ends with it. */
  readonly end: AbortController;
  /** Why this conversation cannot go on: the gate knows its session no more. */
  lost: CountersignError | undefined;
  readonly onLost: (error: CountersignError) => void;
  /** Whether the gate has answered anything, and whether it has once left something unanswered. */
  wasAnswered: boolean;
  hasFailed: boolean;
}

/** One conversation between a client and a gate's MCP endpoint. It starts nothing, and decides nothing. */
export interface RemoteRelay {
  fromClient(frame: Frame): void;
  /** Messages of the client that are not sent yet. */
  readonly backlog: number;
  /** Resolves once everything of now is sent. */
  sent(): Promise<void>;
  /** Resolves once everything that was asked is answered. */
  idle(): Promise<void>;
  readonly lost: Promise<CountersignError>;
  /** Whether nothing ever came of what was asked. */
  readonly wasInVain: boolean;
  /** Lets go of everything, and has the gate end the session. */
  close(within: number): Promise<void>;
}

/** Milliseconds that a message without an answer may hold up those after it. */
const acceptedWithin = 5_000;
const lineFeed = utf8('\n');

/**
 * The thin end of isolated mode: each message of a client is one HTTP request, in the order in which they came, and what the gate
 * answers are lines again. Every request gets exactly one answer, the gate's or the reason why there is none.
 */
export function createRemoteRelay(options: RemoteRelayOptions): RemoteRelay {
  const lost = Promise.withResolvers<CountersignError>();
  const state: RemoteState = {
    ...options,
    session: createRemoteSession(options),
    waiting: createAskedTable(),
    mirrored: createMirroredArguments(),
    end: new AbortController(),
    lost: undefined,
    onLost(error) {
      state.lost ??= error;
      lost.resolve(error);
    },
    wasAnswered: false,
    hasFailed: false,
  };
  let last: Promise<void> = Promise.resolve();
  let backlog = 0;
  return {
    fromClient(frame) {
      backlog += 1;
      last = last.then(() => take(state, frame)).finally(() => (backlog -= 1));
    },
    get backlog() {
      return backlog;
    },
    sent: () => last,
    async idle() {
      await last;
      await state.waiting.idle();
    },
    lost: lost.promise,
    get wasInVain() {
      return state.hasFailed && !state.wasAnswered;
    },
    async close(within) {
      const signal = AbortSignal.timeout(within);
      state.end.abort();
      // A gate that is gone has no session to end.
      await state.session.delete(signal).catch(() => undefined);
    },
  };
}

/** Resolves when the next message may follow. */
function take(state: RemoteState, frame: Frame): Promise<void> | void {
  if (frame.fault) return answer(state, refusalAnswer({ error: frame.fault, wasJson: false }));
  const message = classify(frame.bytes);
  if (message.kind === 'refusal') return answer(state, refusalAnswer(message));
  if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
    const asked = state.waiting.get(cancelledKey(message) ?? '');
    if (asked?.era === 'modern') {
      // Over HTTP that is how a request is cancelled; on stdio nobody is answered then.
      state.waiting.take(asked.id.key);
      return asked.abort.abort();
    }
    if (asked) asked.isCancelled = true;
  }
  return forward(state, message, frame.bytes);
}

function forward(
  state: RemoteState,
  message: Exclude<Message, { kind: 'refusal' }>,
  bytes: Uint8Array,
): Promise<void> | void {
  const { session, waiting } = state;
  const messages = message.kind === 'batch' ? message.elements : [message];
  const asked = askedOf(messages, session.isLegacy);
  const refusal = whyNot(state, messages);
  if (refusal !== undefined) {
    for (const { id } of asked) answer(state, errorAnswerTo(id, refusal));
    return;
  }
  const opens = messages.some((one) => one.kind === 'request' && one.method === 'initialize');
  if (opens) session.isLegacy = true;
  for (const one of asked) waiting.add(one);

  const exchange = createExchange(state, asked, message.kind === 'batch');
  void exchange.run(bytes, message.kind === 'batch' ? {} : headersOf(state, message));
  if (isInitialized(messages))
    void exchange.accepted.then((isOk) => (isOk ? listenWhileOpen(state) : undefined));
  // Who comes after a handshake needs its session. Everything else only has to arrive first.
  if (opens) return exchange.head;
  if (asked.length === 0) return Promise.race([exchange.head, sleep(acceptedWithin)]);
  return exchange.sent;
}

function headersOf({ mirrored }: RemoteState, message: SingleMessage): Readonly<Record<string, string>> {
  const derived = derivedHeaders(message);
  const isModern = 'mcp-method' in derived;
  return isModern && message.kind === 'request' ? { ...derived, ...mirrored.headersOf(message) } : derived;
}

function whyNot(state: RemoteState, messages: readonly SingleMessage[]): CountersignError | undefined {
  const { lost, waiting, maxInFlight } = state;
  if (lost) return lost;
  const keys = messages.flatMap((message) => (message.kind === 'request' ? [message.id.key] : []));
  if (keys.some((key) => waiting.has(key)) || new Set(keys).size < keys.length)
    return new CountersignError('REQUEST_ID_IN_FLIGHT', 'A request with this id is not answered yet.');
  if (waiting.size + keys.length > maxInFlight)
    return new CountersignError('GATE_BUSY', 'Too many requests at a time: try again.');
  return undefined;
}

function isInitialized(messages: readonly SingleMessage[]): boolean {
  return messages.some((one) => one.kind === 'notification' && one.method === 'notifications/initialized');
}

function answer({ toClient }: RemoteState, line: Uint8Array): void {
  toClient(line, lineFeed);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
