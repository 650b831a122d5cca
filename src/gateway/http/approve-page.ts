import { Hono } from 'hono';
import type { Context } from 'hono';
import type { Json, JsonObject } from '../../call/json.ts';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { PasskeyDesk } from '../../gate/approvals/passkeys/passkey-desk.ts';
import { readObject } from '../../gate/caller-request.ts';
import type { ReasonCode } from '../../names.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import * as operations from './approve-page-operations.ts';
import { pageCss, pageHtml, pageScript } from './approve-page-text.ts';
import { describeRoute } from './describe-route.ts';
import { readBody } from './read-body.ts';

export interface ApprovePageOptions {
  readonly desk: PasskeyDesk;
  /** Where browsers find this gateway, such as `https://gate.example.org`: only its own pages are heard. */
  readonly origin: string;
  /** Told of each that was refused, as nobody was authenticated. */
  readonly onRefused: (code: ReasonCode) => void;
}

/** Every path of the page: what is asked for there says who asks by a passkey, or by a link that is a secret. */
export const approvePaths: readonly string[] = [
  ...['/approve', '/approve/page.js', '/approve/page.css', '/approve/see/options', '/approve/see'],
  ...['/approve/answer', '/approve/enrol', '/approve/enrol/options'],
];

/** What a browser signs has a few hundred bytes. */
const maxBody = 16_384;
/** Requests at a time: whoever has no key must not cost more than this. */
const maxAtATime = 16;

/**
 * The page on which people approve with a passkey: `/approve`, or `/approve#ID` for one request, and `/approve/enrol#TOKEN`. Ids and
 * tokens stand behind `#`, so that no server on the way is told them.
 */
export function approvePage(options: ApprovePageOptions): Hono {
  const { desk } = options;
  const app = new Hono();
  const file = (type: string, text: string) => (): Response =>
    new Response(text, { headers: { 'content-type': `${type}; charset=utf-8`, ...guards } });
  app.get('/approve', describeRoute(operations.page), file('text/html', pageHtml));
  app.get('/approve/enrol', describeRoute(operations.enrolPage), file('text/html', pageHtml));
  app.get('/approve/page.js', describeRoute(operations.script), file('text/javascript', pageScript));
  app.get('/approve/page.css', describeRoute(operations.style), file('text/css', pageCss));

  const respond = answering(options);
  app.post('/approve/see/options', describeRoute(operations.seeOptions), (context) =>
    respond(context, [], () => desk.seeing()),
  );
  app.post('/approve/see', describeRoute(operations.see), (context) =>
    respond(context, ['credential', 'id'], ({ credential, id }) =>
      desk.see(credential, id === undefined ? undefined : textOf(id)),
    ),
  );
  app.post('/approve/answer', describeRoute(operations.answer), (context) =>
    respond(context, ['id', 'answer', 'credential'], ({ id, answer, credential }) =>
      desk.answer(textOf(id), verdictOf(answer), credential),
    ),
  );
  app.post('/approve/enrol/options', describeRoute(operations.enrolOptions), (context) =>
    respond(context, ['token'], ({ token }) => desk.enrolling(textOf(token))),
  );
  app.post('/approve/enrol', describeRoute(operations.enrol), (context) =>
    respond(context, ['token', 'credential'], ({ token, credential }) =>
      desk.enrol(textOf(token), credential),
    ),
  );
  return app;
}

/** Nothing but our own files, in no frame, and nobody is told where somebody came from. */
const guards = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self)',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

type Answer = (body: JsonObject) => Promise<JsonObject>;

function answering({ origin, onRefused }: ApprovePageOptions) {
  let running = 0;
  return async (context: Context, members: readonly string[], answer: Answer): Promise<Response> => {
    try {
      assertOwnPage(context, origin);
      // Before it takes a place: whoever sends slowly keeps nobody out.
      const body = await readMembers(context, members);
      if (running >= maxAtATime)
        throw new CountersignError('GATE_BUSY', 'Too many answer at a time: try again.');
      running += 1;
      try {
        const told = await answer(body);
        return new Response(JSON.stringify(told), {
          headers: { 'content-type': 'application/json', ...guards },
        });
      } finally {
        running -= 1;
      }
    } catch (error) {
      const { code, message } = toCountersignError(error, 'INTERNAL', 'The request could not be handled.');
      onRefused(code);
      return toResponse(refusalAnswer(code, message));
    }
  };
}

/** A page of another site can send us much; it can neither name our origin nor hide that it is another. */
function assertOwnPage({ req }: Context, origin: string): void {
  const isOwn =
    req.header('origin') === origin && (req.header('sec-fetch-site') ?? 'same-origin') === 'same-origin';
  if (!isOwn)
    throw new CountersignError(
      'APPROVER_REFUSED',
      `This is answered to the page at ${origin}/approve alone.`,
    );
}

async function readMembers({ req }: Context, members: readonly string[]): Promise<JsonObject> {
  const body = readObject(await readBody(req.raw, maxBody));
  if (Object.keys(body).some((each) => !members.includes(each)))
    throw new CountersignError(
      'FRAME_INVALID',
      `The body has ${members.join(', ') || 'no members'}, and nothing else.`,
    );
  return body;
}

function textOf(value: Json | undefined): string {
  if (typeof value === 'string' && value.length <= 256) return value;
  throw new CountersignError('FRAME_INVALID', 'Ids and tokens are short texts.');
}

function verdictOf(answer: Json | undefined): 'approve' | 'deny' {
  if (answer === 'approve' || answer === 'deny') return answer;
  throw new CountersignError('FRAME_INVALID', 'An answer is approve or deny.');
}
