import { Hono, type Context } from 'hono';
import { describeRoute, type Operation } from './describe-route.ts';

/** The public half of a log: digests, signatures and certificates. Nothing of a call is in it. */
export interface PublicLog {
  /** A file of C2SP tlog-tiles, `checkpoint` or `tile/…`; undefined when the tree has none of this name. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** `trusted_root.json` as it is now. */
  trustedRoot(): Uint8Array;
}

/** What never changes under its name may be kept by everybody on the way. */
const immutable = 'public, max-age=31536000, immutable';
const fresh = 'no-cache';

/**
 * `GET /log/checkpoint`, `/log/tile/…` (https://c2sp.org/tlog-tiles), and `/log/entries/…` for `/log/tile/entries/…`;
 * `/trust/trusted_root.json`.
 */
export function logRoutes(log: PublicLog): Hono {
  const app = new Hono();
  const tile = async ({ notFound }: Context, path: string): Promise<Response> => {
    const bytes = await log.read(path);
    return bytes === undefined ? notFound() : file(bytes, 'application/octet-stream', immutable);
  };

  app.get('/log/checkpoint', describeRoute(checkpointOperation), async ({ notFound }) => {
    const checkpoint = await log.read('checkpoint');
    return checkpoint === undefined ? notFound() : file(checkpoint, 'text/plain; charset=utf-8', fresh);
  });
  app.get('/log/tile/*', describeRoute(tileOperation), async (context) =>
    tile(context, context.req.path.slice('/log/'.length)),
  );
  app.get('/log/entries/*', describeRoute(entriesOperation), async (context) =>
    tile(context, `tile/${context.req.path.slice('/log/'.length)}`),
  );
  app.get('/trust/trusted_root.json', describeRoute(trustOperation), () =>
    file(log.trustedRoot(), 'application/json', fresh),
  );
  return app;
}

function file(bytes: Uint8Array, type: string, caching: string): Response {
  return new Response(new Uint8Array(bytes), { headers: { 'content-type': type, 'cache-control': caching } });
}

const bytes = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
const checkpointOperation: Operation = {
  summary: 'The newest signed head of the log',
  responses: {
    200: {
      description: 'A checkpoint: https://c2sp.org/tlog-checkpoint',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
};
const tileOperation: Operation = {
  summary: 'A tile of the log',
  description:
    'The path may have slashes: https://c2sp.org/tlog-tiles. Of a full tile or a partial one; it never changes.',
  responses: { 200: { description: 'Hashes, or an entry bundle.', content: bytes } },
};
const entriesOperation: Operation = {
  summary: 'An entry bundle of the log',
  description: 'The same as /log/tile/entries/…',
  responses: { 200: { description: 'Leaves: digests, signatures and certificates.', content: bytes } },
};
const trustOperation: Operation = {
  summary: 'The trust root that envelopes verify under',
  description: 'A verifier is given it by hand, once: one that was fetched proves nothing by itself.',
  responses: {
    200: {
      description: 'A Sigstore trusted root.',
      content: { 'application/json': { schema: { type: 'object' } } },
    },
  },
};
