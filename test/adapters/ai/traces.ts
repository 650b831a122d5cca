import type { TelemetrySettings } from 'ai-v6';

/** Takes note of everything, as text. What JSON cannot say is not sent or stored by anybody either. */
export interface Traces {
  readonly note: (...seen: unknown[]) => void;
  readonly text: () => string;
}

export function createTraces(): Traces {
  const noted: string[] = [];
  return {
    note: (...seen) => void noted.push(...seen.map(printed)),
    text: () => noted.join('\n'),
  };
}

function printed(value: unknown): string {
  const above = new WeakSet();
  const text: unknown = JSON.stringify(value, (_key, each: unknown) => {
    if (each instanceof Error)
      return { ...each, name: each.name, message: each.message, stack: each.stack, cause: each.cause };
    if (typeof each === 'bigint') return String(each);
    if (typeof each !== 'object' || each === null) return each;
    if (above.has(each)) return '…';
    above.add(each);
    return each;
  });
  return typeof text === 'string' ? text : String(value);
}

/** AI SDK 6: a tracer of OpenTelemetry that writes down what each span is given. */
export function tracerOf({ note }: Traces): NonNullable<TelemetrySettings['tracer']> {
  const span = new Proxy(
    {},
    {
      get: (_target, name) =>
        name === 'spanContext'
          ? () => ({ traceId: '1', spanId: '1', traceFlags: 0 })
          : (...given: unknown[]) => {
              note(name, given);
              return span;
            },
    },
  );
  const tracer = {
    startSpan: (...given: unknown[]) => {
      note(given);
      return span;
    },
    startActiveSpan: (name: string, ...given: unknown[]) => {
      note(name, given);
      const inside = given.at(-1) as (active: unknown) => unknown;
      return inside(span);
    },
  };
  return tracer as unknown as NonNullable<TelemetrySettings['tracer']>;
}

/** AI SDK 7: an integration that listens to every event there is. */
export function integrationOf({ note }: Traces): object {
  return new Proxy(
    {},
    {
      has: () => true,
      get: (_target, name) =>
        typeof name === 'string' && /^on[A-Z]/.test(name) ? (event: unknown) => note(name, event) : undefined,
    },
  );
}
