import { Hono } from 'hono';
import { describeRoute, type Operation } from './describe-route.ts';

export const metricsPath = '/metrics';

export interface MetricsSource {
  /** The text that a Prometheus server reads, and its media type with version. */
  render(): Promise<{ readonly text: string; readonly type: string }>;
}

/** `GET /metrics`: how many, how often and how long; never who, and nothing that a caller has written. */
export function metricsRoutes({ render }: MetricsSource): Hono {
  const app = new Hono();
  app.get(metricsPath, describeRoute(operation), async ({ body }) => {
    const { text, type } = await render();
    return body(text, 200, { 'content-type': type, 'cache-control': 'no-store' });
  });
  return app;
}

const operation: Operation = {
  summary: 'Counters and durations of this process, for Prometheus',
  responses: {
    200: {
      description: 'The text format of Prometheus.',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
};
