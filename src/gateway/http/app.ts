import { Hono } from 'hono';
import { routePath } from 'hono/route';
import type { Gate } from '../../gate/gate.ts';
import type { ReasonCode } from '../../names.ts';
import { reasonHeader, refusalAnswer, toResponse } from './answers.ts';
import { cors } from './cors.ts';
import { healthRoutes, type Readiness } from './health-routes.ts';
import { openApiDocument, openApiRoutes } from './openapi.ts';
import { challenges, protectedResourceRoutes, type ProtectedResource } from './protected-resource.ts';
import { isProbe, isPublished } from './public-paths.ts';
import { requireKey } from './require-key.ts';

export type { Readiness };

export interface HttpAppOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  /** Which values of `Host`, in lower case, are answered: any other may be a page that rebinds its name to us. */
  readonly isOwnHost: (host: string) => boolean;
  /** Origins of pages that may call; none unless told. What is public is open to every page by itself. */
  readonly origins: ReadonlySet<string>;
  readonly routes: readonly Hono[];
  /** Paths of `routes` that are answered without a key, beside what is published anyway; none unless told. */
  readonly publicPaths?: ReadonlySet<string>;
  /** What people's tokens are for; absent where nobody can log in for this gateway. */
  readonly resource?: ProtectedResource | undefined;
  /** Requests of one API key at a time. */
  readonly maxInFlightPerKey: number;
  readonly ready: () => Promise<Readiness>;
  /** Of the gateway, for its description. */
  readonly version: string;
  /** Told of every answer, once it is known; absent where nobody counts. */
  readonly onAnswer?: (seen: SeenAnswer) => void;
  /** What nobody expected: for the operator's eyes, never in an answer. */
  readonly onError: (error: unknown) => void;
}

/** An answer without anything that a caller has written. */
export interface SeenAnswer {
  /** The route's own pattern, such as `/actions/:name`; `none` where nothing was behind the request. */
  readonly route: string;
  readonly status: number;
  /** Of a refusal or denial. */
  readonly code: ReasonCode | undefined;
  /** Until the answer began. */
  readonly seconds: number;
}

/** The one HTTP application, whatever runtime it is on. */
export function createHttpApp(options: HttpAppOptions): Hono {
  const { gate, isOwnHost, origins, routes, publicPaths, resource, maxInFlightPerKey, ready, version } =
    options;
  const isPublic = (method: string, path: string): boolean =>
    isPublished(method, path) || isProbe(method, path) || publicPaths?.has(path) === true;
  const app = new Hono();

  app.use(async (context, next) => {
    const began = performance.now();
    await next();
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'no-referrer');
    options.onAnswer?.({
      route: patternOf(routePath(context, -1)),
      status: context.res.status,
      code: (context.res.headers.get(reasonHeader) as ReasonCode | null) ?? undefined,
      seconds: (performance.now() - began) / 1_000,
    });
  });
  app.use(async ({ req }, next) => {
    if (!isOwnHost((req.header('host') ?? '').toLowerCase())) return toResponse(strangeHost);
    await next();
    return undefined;
  });
  app.use(cors(origins));
  if (resource) app.use(challenges(resource));
  app.use(requireKey({ gate, isPublic, maxInFlightPerKey }));
  app.use(async ({ req }, next) => {
    // Hono answers HEAD with what GET would, without its body: a stream of events would begin that nobody reads.
    if (req.method === 'HEAD' && !isPublic('HEAD', req.path)) return toResponse(noHead);
    await next();
    return undefined;
  });

  const described = openApiRoutes(() => openApiDocument({ routes: app.routes, isPublic, version }));
  const offered = resource ? [protectedResourceRoutes(resource)] : [];
  for (const each of [healthRoutes({ gate, ready }), described, ...offered, ...routes]) app.route('/', each);

  app.notFound(() => toResponse(refusalAnswer('NOT_FOUND', 'There is nothing here.')));
  app.onError((error) => {
    options.onError(error);
    return toResponse(refusalAnswer('INTERNAL', 'The request could not be handled.'));
  });
  return app;
}

const strangeHost = {
  ...refusalAnswer('FRAME_INVALID', 'This host name is not one of this gateway.'),
  status: 421,
};

const noHead = { ...refusalAnswer('NOT_FOUND', 'Ask with GET.'), status: 405 };

/** Only the middleware above has matched: there is no such route, or the request did not get as far. */
function patternOf(path: string): string {
  return path === '/*' || path === '*' ? 'none' : path;
}
