import { CountersignError, toCountersignError } from '../errors.ts';
import { parseCheckpoint } from '../tlog/checkpoint.ts';
import { formatNote } from '../tlog/note.ts';
import type { NoteSignature } from '../tlog/note.ts';
import type { SignedHead } from '../tlog/proof.ts';
import { nextTurn } from './turn.ts';
import { createWitnessClient } from './witness-client.ts';
import type { WitnessAddress, WitnessAnswer, WitnessedLog } from './witness-client.ts';

export interface WitnessesOptions {
  readonly log: WitnessedLog;
  /** Under names and keys that all differ: whoever is listed twice is not two. */
  readonly witnesses: readonly WitnessAddress[];
  /** For the operator: a witness that fails, and one that says that it has seen another history. */
  readonly warn?: (sentence: string) => void;
  /** Wall milliseconds; the machine's clock unless told. */
  readonly now?: () => number;
}

/** The log's newest head as every witness answered to it. */
export interface Asked {
  /** Its checkpoint carries the line of each witness that cosigned it. */
  readonly head: SignedHead;
  readonly answers: readonly { readonly witness: WitnessAddress; readonly answer: WitnessAnswer }[];
}

export interface Witnesses {
  /** How many there are. */
  readonly count: number;
  /**
   * A head that covers everything that is durable by now, cosigned by at least `count` witnesses. Rejects with WITNESS_UNAVAILABLE
   * when these do not come; with LOG_FORKED when a witness says that it has seen another history, and from then on until it
   * cosigns again; and with the signal's reason.
   */
  cosigned(count: number, signal: AbortSignal): Promise<SignedHead>;
  /** Shows the newest head to all witnesses and waits for each. Rejects with NOT_FOUND while the log is empty. */
  askAll(): Promise<Asked>;
}

interface Waiting {
  readonly count: number;
  readonly resolve: (head: SignedHead) => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait for the same answers. It ends when nobody does any more. */
interface Round {
  readonly waiting: Set<Waiting>;
  readonly end: PromiseWithResolvers<'ended'>;
}

/** Other gates write to the same log: a witness may have seen more of it than the head that it is shown. */
const maxHeads = 4;

/**
 * Asks in rounds, as the ledger commits in groups: who comes while a round is in flight shares the next one. A round shows one
 * head to all witnesses at once, and ends as soon as nobody waits for it, so that a slow witness holds up only those who need it.
 */
export function createWitnesses(options: WitnessesOptions): Witnesses {
  const { log } = options;
  const seers = options.witnesses.map((address) => createSeer(address, options));
  let next: Round | undefined;
  let running = false;

  const run = async (): Promise<void> => {
    running = true;
    // What became durable together is asked about together.
    await nextTurn();
    for (let round = next; round !== undefined; round = next) {
      next = undefined;
      const refusal = await runRound(round).catch(notAsked);
      for (const waiting of round.waiting) settle(round, waiting, () => waiting.reject(refusal));
    }
    running = false;
  };

  /** Resolves to what those are told who still wait then. */
  const runRound = async (round: Round): Promise<CountersignError> => {
    for (let heads = 1; heads <= maxHeads; heads += 1) {
      const shown = await showTo(round, await newestHead(log));
      if (shown !== 'outrun') return shown === 'ended' ? tooFew() : shown;
    }
    return new CountersignError('WITNESS_UNAVAILABLE', 'The log grew faster than witnesses could be asked.');
  };

  const showTo = (round: Round, head: SignedHead): Promise<'ended' | 'outrun' | CountersignError> => {
    const { promise, resolve } = Promise.withResolvers<'ended' | 'outrun' | CountersignError>();
    const signatures: NoteSignature[] = [];
    let open = seers.length;
    const answered = (answer: WitnessAnswer | undefined): void => {
      open -= 1;
      if (answer?.kind === 'cosigned') signatures.push(answer.signature);
      if (answer?.kind === 'ahead') resolve('outrun');
      const accusation = seers.map((seer) => seer.accusation()).find((words) => words !== undefined);
      if (accusation !== undefined) {
        if (open === 0 || answer?.kind === 'forked') resolve(new CountersignError('LOG_FORKED', accusation));
        return;
      }
      for (const waiting of round.waiting) {
        if (signatures.length < waiting.count) continue;
        settle(round, waiting, () => waiting.resolve(withLines(head, signatures)));
      }
      if (open === 0) resolve('ended');
    };
    for (const seer of seers) void seer.show(head, () => round.waiting.size > 0).then(answered);
    return Promise.race([promise, round.end.promise]);
  };

  return {
    count: seers.length,
    cosigned: (count, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const round = (next ??= { waiting: new Set(), end: Promise.withResolvers() });
        const waiting = { count, resolve, reject };
        round.waiting.add(waiting);
        signal.addEventListener('abort', () => settle(round, waiting, () => reject(signal.reason as Error)), {
          once: true,
        });
        if (!running) void run();
      }),
    async askAll() {
      for (let heads = 1; ; heads += 1) {
        const head = await newestHead(log);
        const answers = await Promise.all(seers.map((seer) => seer.show(head, () => true)));
        if (heads < maxHeads && answers.some((answer) => answer?.kind === 'ahead')) continue;
        const told = seers.flatMap(({ witness }, i) => {
          const answer = answers[i];
          return answer === undefined ? [] : [{ witness, answer }];
        });
        const signatures = told.flatMap(({ answer }) =>
          answer.kind === 'cosigned' ? [answer.signature] : [],
        );
        return { head: withLines(head, signatures), answers: told };
      }
    },
  };
}

/** A witness, asked one head at a time: it compares sizes, and a second question would only lose against the first. */
interface Seer {
  readonly witness: WitnessAddress;
  /** Undefined when nobody wanted the answer any more by the time that it could be asked. */
  show(head: SignedHead, wanted: () => boolean): Promise<WitnessAnswer | undefined>;
  /** What it says that speaks of another history, until it cosigns again. */
  accusation(): string | undefined;
}

function createSeer(witness: WitnessAddress, options: WitnessesOptions): Seer {
  const { log, warn = () => undefined, now = () => Date.now() } = options;
  const { name } = witness.key;
  const client = createWitnessClient(witness, { log, now });
  let last: Promise<unknown> = Promise.resolve();
  let accusation: string | undefined;

  const ask = async (head: SignedHead): Promise<WitnessAnswer> => {
    const answer = await judge(await client.ask(head), log);
    if (answer.kind === 'cosigned') accusation = undefined;
    if (answer.kind === 'failed') warn(`The witness ${name} did not cosign: ${answer.message}.`);
    if (answer.kind === 'forked') {
      accusation = `The witness ${name} says that ${answer.message}.`;
      warn(`LOG_FORKED: ${accusation} ${whatAForkMeans}`);
    }
    return answer;
  };

  return {
    witness,
    show(head, wanted) {
      const answer = last.then(() => (wanted() ? ask(head) : undefined));
      last = answer;
      return answer;
    },
    accusation: () => accusation,
  };
}

const whatAForkMeans =
  'Either it lies, or this log’s key has signed two histories: after a restored backup, on a copy of this home, or in ' +
  'other hands. No call that demands witnesses runs until it cosigns again. Keep the ledger as it is.';

/** A witness that has seen more than the log has was shown entries that are gone. */
async function judge(answer: WitnessAnswer, log: WitnessedLog): Promise<WitnessAnswer> {
  if (answer.kind !== 'ahead') return answer;
  try {
    const { size } = await newestHead(log);
    if (size >= answer.size) return answer;
    return { kind: 'forked', message: `it has seen ${answer.size} entries of this log, which has ${size}` };
  } catch (error) {
    return { kind: 'failed', message: notAsked(error).message };
  }
}

async function newestHead(log: WitnessedLog): Promise<SignedHead> {
  const { text } = (await log.checkpoint()) ?? {};
  if (text === undefined) throw new CountersignError('NOT_FOUND', 'The log has no entry yet.');
  const checkpoint = parseCheckpoint(text);
  if (checkpoint === undefined) {
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger’s checkpoint cannot be read.');
  }
  return { size: checkpoint.size, root: checkpoint.root, checkpoint: text };
}

function withLines(head: SignedHead, lines: readonly NoteSignature[]): SignedHead {
  const own = parseCheckpoint(head.checkpoint)?.note;
  if (own === undefined) return head;
  return { ...head, checkpoint: formatNote({ text: own.text, signatures: [...own.signatures, ...lines] }) };
}

function settle(round: Round, waiting: Waiting, tell: () => void): void {
  if (!round.waiting.delete(waiting)) return;
  tell();
  if (round.waiting.size === 0) round.end.resolve('ended');
}

function tooFew(): CountersignError {
  return new CountersignError('WITNESS_UNAVAILABLE', 'Too few witnesses cosigned the log’s head.');
}

function notAsked(error: unknown): CountersignError {
  return toCountersignError(error, 'WITNESS_UNAVAILABLE', 'The witnesses could not be asked.');
}
