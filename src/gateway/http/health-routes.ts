import { Hono } from 'hono';
import { toCountersignError } from '../../errors.ts';
import type { Gate } from '../../gate/gate.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import { credentialsOf } from './credentials.ts';
import { describeRoute } from './describe-route.ts';

export interface Readiness {
  /** Whether a call could be decided, signed and recorded now. */
  readonly ready: boolean;
  /** By part: `ok`, or a reason code. */
  readonly parts: Readonly<Record<string, string>>;
  /** The same by name of an MCP server. One that is gone holds up its own calls alone: this gateway is ready without it. */
  readonly upstreams?: Readonly<Record<string, string>>;
}

export interface HealthRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate'>;
  readonly ready: () => Promise<Readiness>;
}

/** Milliseconds for which an answer is kept: whoever asks needs no key, and must not cost more than this. */
const keptFor = 500;

/** `GET /healthz`: the process lives. `GET /readyz`: 200 or 503; what is missing is told to those who have a key. */
export function healthRoutes({ gate, ready }: HealthRoutesOptions): Hono {
  const app = new Hono();
  let kept: Promise<Readiness> | undefined;
  let keptSince = 0;
  const readiness = (): Promise<Readiness> => {
    const now = performance.now();
    if (kept === undefined || now - keptSince > keptFor) {
      kept = ready();
      keptSince = now;
    }
    return kept;
  };

  app.get('/healthz', describeRoute(health), ({ json }) => json({ status: 'ok' }));
  app.get('/readyz', describeRoute(readinessOperation), async (context) => {
    const credentials = credentialsOf(context);
    try {
      if (credentials.apiKey !== undefined) await gate.authenticate(credentials);
    } catch (error) {
      const { code, message } = toCountersignError(
        error,
        'INTERNAL',
        'The credentials could not be checked.',
      );
      return toResponse(refusalAnswer(code, message));
    }
    const all = await readiness();
    const told = credentials.apiKey === undefined ? { ready: all.ready } : all;
    return context.json(told, all.ready ? 200 : 503, { 'cache-control': 'no-store' });
  });
  return app;
}

const states = { type: 'object', additionalProperties: { type: 'string' } };
const health = {
  summary: 'Whether the process lives',
  responses: {
    200: {
      description: 'It does.',
      content: {
        'application/json': {
          schema: { type: 'object', properties: { status: { const: 'ok' } }, required: ['status'] },
        },
      },
    },
  },
};
const readySchema = {
  type: 'object',
  properties: { ready: { type: 'boolean' }, parts: states, upstreams: states },
  required: ['ready'],
};
const readinessOperation = {
  summary: 'Whether a call could be decided, signed and recorded now',
  description: 'With an API key, what is missing is told: by part, and by MCP server, “ok” or a reason code.',
  responses: {
    200: { description: 'It could.', content: { 'application/json': { schema: readySchema } } },
    503: { description: 'It could not.', content: { 'application/json': { schema: readySchema } } },
  },
};
