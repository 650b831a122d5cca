import type { DeniedAnswer } from '../../../mcp/answers.ts';
import type { PostAnswer } from '../post-answer.ts';

/** What comes back for one message that was carried to one server. */
export interface Heard {
  /** Anything before the answer. */
  message(bytes: Uint8Array): void;
  /** The answer; nothing follows. `status` is that of the gateway or, in the modern era, the server's. */
  answer(bytes: Uint8Array, status: number, denied?: DeniedAnswer): void;
  /** There is nothing to answer. */
  none(status: number): void;
  /** The server began a stream. */
  begun?(): void;
  /** The server's stream broke off, and is taken up again. */
  interrupt?(retryMs: number | undefined): void;
}

/** The answer of a POST that no client sent: it goes into another one's. */
export function createInnerAnswer(heard: Heard): PostAnswer {
  const ended = Promise.withResolvers<void>();
  let said: number | undefined;
  let isOver = false;
  const end = (tell: () => void): void => {
    if (isOver) return;
    isOver = true;
    ended.resolve();
    tell();
  };
  return {
    // Nobody looks at it: an inner answer is no HTTP response.
    response: new Promise(() => undefined),
    ended: ended.promise,
    head({ status, isStream }) {
      said ??= status;
      if (isStream && status === 200 && !isOver) heard.begun?.();
    },
    message(bytes) {
      if (!isOver) heard.message(bytes);
    },
    answer: (bytes, status, denied) => end(() => heard.answer(bytes, said ?? status, denied)),
    done: (status) => end(() => heard.none(said ?? status)),
    interrupt: (retryMs) => heard.interrupt?.(retryMs),
  };
}
