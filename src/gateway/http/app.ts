import { Hono } from 'hono';
import { refusalAnswer, toResponse, type HttpAnswer } from './answers.ts';

export interface HttpAppOptions {
  /** Which values of `Host`, in lower case, are answered: any other may be a page that rebinds its name to us. */
  readonly isOwnHost: (host: string) => boolean;
  /** Origins of pages that may call; none unless told. What is public is open to every page by itself. */
  readonly origins: ReadonlySet<string>;
  readonly routes: readonly Hono[];
  /** Whether everything that a call needs is there: 503 with the reason while it is not. */
  readonly ready: () => Promise<Readiness>;
  /** What nobody expected: for the operator's eyes, never in an answer. */
  readonly onError: (error: unknown) => void;
}

export interface Readiness {
  readonly ready: boolean;
  /** By part: `ok`, or a reason code. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The one HTTP application, whatever runtime it is on. */
export function createHttpApp({ isOwnHost, origins, routes, ready, onError }: HttpAppOptions): Hono {
  const app = new Hono();

  app.use(async (context, next) => {
    const { req } = context;
    const refusal = strangeHost(req.header('host'), isOwnHost) ?? strangeOrigin(req, origins);
    if (refusal) return toResponse(refusal);
    await next();
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    return undefined;
  });

  app.get('/healthz', ({ json }) => json({ status: 'ok' }));
  app.get('/readyz', async ({ json }) => {
    const readiness = await ready();
    return json(readiness, readiness.ready ? 200 : 503);
  });
  for (const each of routes) app.route('/', each);

  app.notFound(() => toResponse(refusalAnswer('NOT_FOUND', 'There is nothing here.')));
  app.onError((error) => {
    onError(error);
    return toResponse(refusalAnswer('INTERNAL', 'The request could not be handled.'));
  });
  return app;
}

function strangeHost(
  host: string | undefined,
  isOwnHost: HttpAppOptions['isOwnHost'],
): HttpAnswer | undefined {
  if (host !== undefined && isOwnHost(host.toLowerCase())) return undefined;
  return { ...refusalAnswer('FRAME_INVALID', 'This host name is not one of this gateway.'), status: 421 };
}

/** A browser says which page asks. What only reads public files may come from any. */
function strangeOrigin(
  req: { readonly method: string; readonly path: string; header(name: string): string | undefined },
  origins: ReadonlySet<string>,
): HttpAnswer | undefined {
  const origin = req.header('origin');
  const isPublic = req.method === 'GET' && /^\/(?:log|trust)\//.test(req.path);
  if (origin === undefined || isPublic || origins.has(origin)) return undefined;
  return {
    ...refusalAnswer('FRAME_INVALID', 'Pages of this origin may not call this gateway.'),
    status: 403,
  };
}
