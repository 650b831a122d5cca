import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { Reply } from './in-flight.ts';

const lineFeed = utf8('\n');

/**
 * Gathers the answers to the requests of a batch that went separate ways into the one array that its client expects.
 * `write` gets it once all are there; it is not called when there is none.
 */
export function createBatchReply(count: number, write: (answer: Uint8Array) => void): Reply {
  const answers: Uint8Array[] = [];
  let open = count;
  const done = (): void => {
    open -= 1;
    if (open > 0 || answers.length === 0) return;
    const parts = answers.flatMap((answer, at) => [utf8(at === 0 ? '[' : ','), answer]);
    write(concatBytes(...parts, utf8(']'), lineFeed));
  };
  return {
    isGathered: true,
    answer(message) {
      answers.push(message);
      done();
    },
    none: done,
  };
}
