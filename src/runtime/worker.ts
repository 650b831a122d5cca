import { checkpointPath } from '../evidence/tile-source.ts';
import { logRoutes } from '../gateway/http/log-routes.ts';
import { parseTilePath } from '../tlog/tile.ts';
import { logObjectClass, type LogObjectClass } from './worker/log-object.ts';
import { logObjectName } from './worker/open-gateway.ts';
import type { Bindings } from './worker/platform.ts';
import type { WorkerSources } from './worker/settings.ts';

export type { WorkerSources } from './worker/settings.ts';
export type { Bindings } from './worker/platform.ts';

/** What the module of a Worker exports: `worker` as its default, and `Log` under this name. */
export interface CountersignWorker {
  readonly worker: { fetch(request: Request, env: Bindings): Promise<Response> };
  readonly Log: LogObjectClass;
}

/**
 * The gateway as a Cloudflare Worker. What executes is forwarded into one Durable Object, in which the whole path of a call
 * runs; the public half of the log is served from its bucket, and by the object where the bucket has it not yet.
 */
export function countersignWorker(sources: WorkerSources): CountersignWorker {
  return {
    worker: {
      async fetch(request, env) {
        return (
          (await fromBucket(request, env)) ?? env.LOG.get(env.LOG.idFromName(logObjectName)).fetch(request)
        );
      },
    },
    Log: logObjectClass(sources),
  };
}

/** A file of the log as the bucket has it; undefined when it has not, or is asked for something else. */
async function fromBucket(
  request: Request,
  { TILES }: Pick<Bindings, 'TILES'>,
): Promise<Response | undefined> {
  if (request.method !== 'GET' || !new URL(request.url).pathname.startsWith('/log/')) return undefined;
  const files = logRoutes({
    async read(path) {
      if (path !== checkpointPath && parseTilePath(path) === undefined) return undefined;
      const found = await TILES.get(path);
      return found === null ? undefined : new Uint8Array(await found.arrayBuffer());
    },
    // The bucket holds the log alone: the object has the trust root.
    trustedRoot: () => new Uint8Array(),
  });
  const answer = await files.fetch(request);
  if (!answer.ok) return undefined;
  // Published, and so open to every page.
  answer.headers.set('access-control-allow-origin', '*');
  answer.headers.set('x-content-type-options', 'nosniff');
  return answer;
}
