import { Hono } from 'hono';

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

/** `GET /log/checkpoint`, `/log/tile/…` (https://c2sp.org/tlog-tiles) and `/trust/trusted_root.json`. */
export function logRoutes(log: PublicLog): Hono {
  const app = new Hono();

  app.get('/log/checkpoint', async ({ notFound }) => {
    const checkpoint = await log.read('checkpoint');
    return checkpoint === undefined ? notFound() : file(checkpoint, 'text/plain; charset=utf-8', fresh);
  });

  app.get('/log/tile/*', async ({ req, notFound }) => {
    const tile = await log.read(req.path.slice('/log/'.length));
    return tile === undefined ? notFound() : file(tile, 'application/octet-stream', immutable);
  });

  app.get('/trust/trusted_root.json', () => file(log.trustedRoot(), 'application/json', fresh));

  return app;
}

function file(bytes: Uint8Array, type: string, caching: string): Response {
  return new Response(new Uint8Array(bytes), {
    headers: {
      'content-type': type,
      'cache-control': caching,
      // Anyone may read these from any page: that is what they are for.
      'access-control-allow-origin': '*',
    },
  });
}
