import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { CountersignError } from '../errors.ts';
import type { CheckpointSigner } from '../tlog/checkpoint.ts';
import { cosigner } from '../tlog/cosigner.ts';
import type { Cosigner } from '../tlog/cosigner.ts';
import { formatVkey } from '../tlog/vkey.ts';
import { admit, decide } from './add-checkpoint.ts';
import type { Decision, Finding } from './add-checkpoint.ts';
import type { ForkKind } from './fork.ts';
import { maxRequestLength, parseAddCheckpoint } from './request.ts';
import type { AddCheckpoint } from './request.ts';
import type { WitnessStore } from './store.ts';

/** What a witness is made of. */
export interface WitnessParts {
  /** Name of its key: a schema-less URL under which people know it. */
  readonly name: string;
  /** Its Ed25519 key. */
  readonly signer: CheckpointSigner;
  readonly store: WitnessStore;
  /** Wall milliseconds. */
  readonly clock: { now(): number };
  /** Told of every answer, once it is decided. What it is told of a log that is not witnessed was said by a stranger. */
  readonly onAnswer?: (answered: Answered) => void;
}

/** One answered request, for a line in a log. */
export interface Answered {
  readonly status: number;
  readonly finding: Finding | 'store-failed' | 'failed';
  readonly origin?: string;
  readonly oldSize?: number;
  readonly size?: number;
  /** Evidence that came with this request. */
  readonly forks?: readonly ForkKind[];
  /** The code of what failed. */
  readonly code?: string;
}

/** The media type of a known size in a conflict's answer. */
const sizeType = 'text/x.tlog.size';
const textType = 'text/plain; charset=utf-8';

const pathOfSubmissions = '/add-checkpoint';

/**
 * A witness as a web application: `POST /add-checkpoint` of https://c2sp.org/tlog-witness, and a page that says who it is. Runs
 * wherever Hono does. Throws CONFIG_INVALID for a name that no key can have.
 */
export function createWitnessApp({ name, signer, store, clock, onAnswer }: WitnessParts): Hono {
  const witness = cosigner(name, signer);
  const tell = (answered: Answered): void => onAnswer?.(answered);
  const app = new Hono();

  app.get('/', (context) => context.text(aboutPage(witness)));

  app.post(
    pathOfSubmissions,
    bodyLimit({
      maxSize: maxRequestLength,
      onError: (context) => {
        tell({ status: 413, finding: 'malformed' });
        return context.text('The request is too long.\n', 413);
      },
    }),
    async (context) => {
      const request = parseAddCheckpoint(new Uint8Array(await context.req.arrayBuffer()));
      if (request === undefined) {
        tell({ status: 400, finding: 'malformed' });
        return context.text('The request is not in the form of https://c2sp.org/tlog-witness.\n', 400);
      }
      const { finding, status, body, type, ...rest } = await answer({ witness, store, clock }, request);
      tell({ ...aboutRequest(request), status, finding, ...rest });
      return context.body(body, status, { 'Content-Type': type ?? textType });
    },
  );

  // 404 says that a log is unknown, so it must not also say that a method is.
  app.all(pathOfSubmissions, (context) => {
    context.header('Allow', 'POST');
    return context.text('Checkpoints are sent with POST.\n', 405);
  });

  app.onError((error, context) => {
    tell({ status: 500, finding: 'failed', code: codeOf(error) });
    return context.text('The witness failed.\n', 500);
  });
  return app;
}

/** An answer as it goes over the wire, with what the operator is told of it. */
interface Reply extends Answered {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 503;
  readonly body: string;
  readonly type?: string;
}

type AnswerParts = Pick<WitnessParts, 'store' | 'clock'> & { readonly witness: Cosigner };

/** Checks, records, and only then signs. */
async function answer({ witness, store, clock }: AnswerParts, request: AddCheckpoint): Promise<Reply> {
  const { checkpoint } = request;
  let decision: Decision;
  try {
    const admitted = admit(request, await store.logKeys(checkpoint.origin));
    if ('status' in admitted) return { ...admitted, body: `${sentences[admitted.finding]}\n` };
    decision = await store.step(checkpoint.origin, checkpoint.size, (state) =>
      decide(state, admitted, clock.now()),
    );
  } catch (error) {
    const body = 'The witness cannot record this now.\n';
    return { status: 503, finding: 'store-failed', code: codeOf(error), body };
  }
  const { status, finding } = decision;
  const told = { status, finding, forks: decision.forks.map(({ kind }) => kind) };
  switch (status) {
    case 200:
      // A crash before this line leaves a record of what was never said, and the caller asks again. The other way round, a
      // cosignature could be out of which the witness knows nothing.
      return { ...told, body: witness.cosign(checkpoint.note.text, decision.cosigned.time) };
    case 409:
      return { ...told, body: `${decision.knownSize}\n`, type: sizeType };
    default:
      return { ...told, body: `${sentences[finding]}\n` };
  }
}

const sentences: Readonly<Record<Finding, string>> = {
  cosigned: 'Cosigned.',
  malformed: 'The request is malformed.',
  'log-unknown': 'This witness does not follow a log of this origin.',
  'not-signed': 'The checkpoint is not signed by a key that this witness knows of the log.',
  'old-size-too-large': 'The old size is larger than the checkpoint’s.',
  'old-size-differs': 'The old size is not that of the newest checkpoint cosigned here.',
  'root-differs': 'Another tree of this size was cosigned here.',
  'proof-wrong': 'The proof does not show that this tree continues the cosigned one.',
  'clock-behind': 'The witness’s clock is behind what it has already stated.',
};

function aboutRequest({ oldSize, checkpoint }: AddCheckpoint): Pick<Answered, 'origin' | 'oldSize' | 'size'> {
  return { origin: checkpoint.origin, oldSize, size: checkpoint.size };
}

function codeOf(error: unknown): string {
  return error instanceof CountersignError ? error.code : 'INTERNAL';
}

function aboutPage({ key }: Cosigner): string {
  return `This is a witness of transparency logs (https://c2sp.org/tlog-witness).

It cosigns a checkpoint of a log that it follows when the checkpoint continues the one that it cosigned before, and
never two that contradict each other. It says nothing about what is in a log.

  name    ${key.name}
  vkey    ${formatVkey(key)}
  submit  POST ${pathOfSubmissions.slice(1)}, relative to this page

Take the vkey from its operator, not from this page.
`;
}
