import type { ReasonCode } from '../../../names.ts';
import type { DeniedAnswer } from '../../mcp/answers.ts';
import { reasonHeader, statusOf } from '../answers.ts';
import type { Stream } from '../streams.ts';
import type { ClientStream } from './client-stream.ts';

/**
 * What a POST is answered with: one JSON message, a stream of events, or a status alone. Which of them is known only once the
 * first thing happens.
 */
export interface PostAnswer {
  /** Resolves once its kind is known; rejects where no stream has a place. */
  readonly response: Promise<Response>;
  /** How the server began to answer. */
  head(head: { readonly status: number; readonly isStream: boolean }): void;
  /** A message that is not the answer to what was asked. */
  message(bytes: Uint8Array): void;
  /**
   * The answer to what was asked: nothing follows. `status` where no server has said one. What is `denied` for want of a login is
   * told as a status that has clients log in, unless something was said before.
   */
  answer(bytes: Uint8Array, status: number, denied?: DeniedAnswer): void;
  /** Nothing is sent back: the status says everything. */
  done(status: number): void;
  /** Resolves once everything was said. */
  readonly ended: Promise<void>;
  /** The server's stream broke off before its answer, and can be taken up again. */
  interrupt(retryMs: number | undefined): void;
}

export interface PostAnswerOptions {
  readonly stream: ClientStream;
  readonly place: () => Stream;
  readonly headers: Readonly<Record<string, string>>;
  /** The client left while it was read from a stream. */
  readonly onLeft: () => void;
  /** Whether somebody could log in, and so mend it. */
  readonly asksForLogin: (code: ReasonCode) => boolean;
}

export function createPostAnswer({
  stream,
  place,
  headers,
  onLeft,
  asksForLogin,
}: PostAnswerOptions): PostAnswer {
  const response = Promise.withResolvers<Response>();
  const ended = Promise.withResolvers<void>();
  let status: number | undefined;
  let isBegun = false;
  const begin = (make: () => Response): void => {
    if (isBegun) return;
    isBegun = true;
    try {
      response.resolve(withHeaders(make(), headers));
    } catch (error) {
      response.reject(error);
    }
  };
  const beginStream = (): void => begin(() => stream.read(0, place(), onLeft));
  const end = (): void => {
    stream.end();
    ended.resolve();
  };

  const sayLast = (bytes: Uint8Array, own: number, denied?: DeniedAnswer): void => {
    if (isBegun) stream.send(bytes);
    else if (denied && asksForLogin(denied.code)) begin(() => loginAsked(denied));
    else begin(() => new Response(new Uint8Array(bytes), { status: status ?? own, headers: json }));
    end();
  };

  return {
    response: response.promise,
    ended: ended.promise,
    head(head) {
      status ??= head.status;
      if (head.isStream) beginStream();
    },
    message(bytes) {
      // An error about no id in particular, with a status that says no: there is no other answer.
      if (status !== undefined && status >= 400) {
        sayLast(bytes, status);
      } else {
        beginStream();
        stream.send(bytes);
      }
    },
    answer: sayLast,
    done(own) {
      begin(() => new Response(null, { status: status ?? own, headers: plain }));
      end();
    },
    interrupt: (retryMs) => stream.interrupt(retryMs),
  };
}

function loginAsked({ code, asError }: DeniedAnswer): Response {
  const { headers } = statusOf(code);
  return new Response(new Uint8Array(asError()), {
    status: 401,
    headers: { ...json, ...headers, [reasonHeader]: code },
  });
}

const plain = { 'cache-control': 'no-store' };
const json = { ...plain, 'content-type': 'application/json' };

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
