import { CountersignError } from '../../errors.ts';
import { readAtMost } from '../../call/read-at-most.ts';

const jsonType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** The body of a JSON request. FRAME_INVALID for another media type, TOO_LARGE beyond `limit` bytes. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  if (!jsonType.test(request.headers.get('content-type') ?? ''))
    throw new CountersignError('FRAME_INVALID', 'Send the body as application/json.');
  const isDeclaredTooLarge = Number(request.headers.get('content-length') ?? 0) > limit;
  const body = isDeclaredTooLarge ? undefined : await readAtMost(request.body, limit);
  if (body === undefined) throw new CountersignError('TOO_LARGE', `A body has at most ${limit} bytes.`);
  return body;
}
