import { fromUtf8 } from '../../call/bytes.ts';
import { CountersignError } from '../../errors.ts';

/** One line, or why there is none. `bytes` is a copy of its own that nobody else holds, without the terminator. */
export type Frame =
  | { readonly bytes: Uint8Array; readonly terminator: '\n' | '\r\n' | ''; readonly fault?: undefined }
  | { readonly fault: CountersignError };

export interface FramerOptions {
  /** Longest line in bytes; a longer one is a fault, and what is left of it is skipped, not kept. */
  readonly maxFrameBytes: number;
  /**
   * What to do with a last line that no LF ended. A client's may be half of something else, and is refused; a
   * server's is delivered, since some write their last answer without.
   */
  readonly lastLine: 'refuse' | 'deliver';
}

export interface Framer {
  push(chunk: Uint8Array): Frame[];
  /** The stream is at its end. */
  end(): Frame[];
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** A buffer that grew beyond this for one long line is given back after it. */
const keptBuffer = 65_536;

/**
 * Cuts MCP's stdio stream into lines, as strictly as any reader after us could: UTF-8 without BOM, split at LF alone.
 * A CR may only stand right before the LF, where a relay keeps it. Anywhere else a lenient reader (Python's universal
 * newlines) would begin a new message there, one that was never looked at. Lines of blanks alone are dropped.
 */
export function createFramer({ maxFrameBytes, lastLine }: FramerOptions): Framer {
  const line = createLineBuffer();
  let skipping = false;

  const append = (part: Uint8Array, frames: Frame[]): void => {
    if (skipping) return;
    if (line.length + part.length <= maxFrameBytes) return line.append(part);
    skipping = true;
    line.clear();
    frames.push({
      fault: new CountersignError('TOO_LARGE', `A message is longer than ${maxFrameBytes} bytes.`),
    });
  };

  return {
    push(chunk) {
      const frames: Frame[] = [];
      let from = 0;
      for (;;) {
        const to = chunk.indexOf(lineFeed, from);
        if (to < 0) break;
        append(chunk.subarray(from, to), frames);
        if (!skipping) frames.push(...toFrames(line.take(), '\n'));
        skipping = false;
        from = to + 1;
      }
      append(chunk.subarray(from), frames);
      return frames;
    },
    end() {
      const rest = toFrames(line.take(), '');
      if (skipping || rest.length === 0 || lastLine === 'deliver') return rest;
      return [
        { fault: new CountersignError('FRAME_INVALID', 'The last message does not end with a line feed.') },
      ];
    },
  };
}

/** Bytes of a line that is not complete yet. It doubles, so that a line in one-byte chunks costs linear time. */
function createLineBuffer() {
  let buffer = new Uint8Array(0);
  let length = 0;
  return {
    get length(): number {
      return length;
    },
    append(part: Uint8Array): void {
      if (length + part.length > buffer.length) {
        const larger = new Uint8Array(Math.max(length + part.length, 2 * buffer.length));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(part, length);
      length += part.length;
    },
    /** A copy of what was appended, and an empty buffer again. */
    take(): Uint8Array {
      const bytes = buffer.slice(0, length);
      this.clear();
      return bytes;
    },
    clear(): void {
      length = 0;
      if (buffer.length > keptBuffer) buffer = new Uint8Array(0);
    },
  };
}

/** The frame of a line, or none of a blank one. */
function toFrames(line: Uint8Array, ending: '\n' | ''): Frame[] {
  const crlf = ending === '\n' && line.at(-1) === carriageReturn;
  const bytes = crlf ? line.slice(0, -1) : line;
  if (bytes.every((byte) => byte === 0x20 || byte === 0x09)) return [];
  const fault = faultOf(bytes);
  if (fault !== undefined) return [{ fault: new CountersignError('FRAME_INVALID', fault) }];
  return [{ bytes, terminator: crlf ? '\r\n' : ending }];
}

function faultOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return 'A message begins with a byte order mark.';
  if (bytes.includes(carriageReturn)) return 'A message has a carriage return inside.';
  if (fromUtf8(bytes) === undefined) return 'A message is not UTF-8.';
  return undefined;
}
