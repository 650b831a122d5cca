import type { Readable, Writable } from 'node:stream';
import { utf8 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';
import { createFrameWriter } from '../targets/frame-writer.ts';
import { errorAnswerTo, refusalAnswer } from './mcp/answers.ts';
import { createBatchReply } from './mcp/batch.ts';
import type { Frame } from './mcp/framer.ts';
import type { SingleMessage } from './mcp/message.ts';
import { classify } from './mcp/message.ts';
import { within } from './mcp-stdio-close.ts';
import { pumpFrames } from './mcp-stdio-pump.ts';
import type { McpStdioEnd } from './mcp-stdio.ts';

export interface ClosedOptions {
  readonly client: { readonly input: Readable; readonly output: Writable };
  /** Why nothing is started and nothing passes: what every request is answered with. */
  readonly code: ReasonCode;
  /** For the client: a sentence. */
  readonly message: string;
  readonly stderr: { write(text: string): unknown };
  readonly maxFrameBytes: number;
}

const lineFeed = utf8('\n');

/**
 * What runs in place of the relay when the key or the policy is no good: no server is started, each request is told
 * why, and the end of the client's stream ends it with exit code 1. A host shows an error that a client got; of a
 * process that merely died it shows nothing.
 */
export async function runClosed({
  client,
  code,
  message,
  stderr,
  maxFrameBytes,
}: ClosedOptions): Promise<McpStdioEnd> {
  const error = new CountersignError(code, message);
  const output = createFrameWriter(client.output, () => client.input.destroy());
  stderr.write(`countersign: ${message} (${code})\n`);

  await pumpFrames({
    input: client.input,
    framing: { maxFrameBytes, lastLine: 'refuse' },
    onFrame: (frame) => output.write(...answersTo(frame, error)),
    whenToPause: () => (output.isFull ? output.drained() : undefined),
  });
  await within(500, output.flushed());
  return { exitCode: 1, signal: null };
}

function answersTo(frame: Frame, error: CountersignError): Uint8Array[] {
  if (frame.fault) return [refusalAnswer({ error: frame.fault, wasJson: false }), lineFeed];
  const message = classify(frame.bytes);
  if (message.kind !== 'batch') {
    const answer = answerTo(message, error);
    return answer ? [answer, lineFeed] : [];
  }
  const answers = message.elements.flatMap((element) => answerTo(element, error) ?? []);
  const gathered: Uint8Array[] = [];
  const reply = createBatchReply(answers.length, (array) => gathered.push(array));
  for (const answer of answers) reply.answer(answer, lineFeed);
  return gathered;
}

/** Only requests, and what might have been one, are answered. */
function answerTo(message: SingleMessage, error: CountersignError): Uint8Array | undefined {
  if (message.kind === 'refusal') return refusalAnswer(message);
  return message.kind === 'request' ? errorAnswerTo(message.id, error) : undefined;
}
