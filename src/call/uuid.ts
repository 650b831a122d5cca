import { hex } from './bytes.ts';
import { randomBytes } from './random.ts';

const counterLimit = 0x1000;
let lastMillisecond = -1;
let counter = 0;

/**
 * A UUIDv7 (RFC 9562 section 5.7) for `now`, wall milliseconds. Within this process each is greater than the one
 * before, also when the clock stands still or goes back: then it counts on from the last time (section 6.2 method 1).
 */
export function uuidv7(now: number): string {
  const bytes = randomBytes(16);
  advance(Math.floor(now), bytes[6]!, bytes[7]!);

  let time = lastMillisecond;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = 0x70 | (counter >> 8);
  bytes[7] = counter;
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);

  const text = hex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join(
    '-',
  );
}

/** Counts up inside a millisecond; a new one starts at random in the counter's lower half, to leave room. */
function advance(now: number, high: number, low: number): void {
  if (now > lastMillisecond) {
    lastMillisecond = now;
    counter = ((high << 8) | low) & (counterLimit / 2 - 1);
    return;
  }
  counter += 1;
  if (counter < counterLimit) return;
  lastMillisecond += 1;
  counter = 0;
}

/** Whether `text` is a UUID of any version as we write it: lower case, so that one id has one text. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(text);
}
