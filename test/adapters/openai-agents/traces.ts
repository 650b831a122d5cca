import { setTraceProcessors, setTracingDisabled, type TracingProcessor } from '@openai/agents';

/** Everything that the SDK tells its tracing processors, by trace. Tracing is off in tests unless it is switched on. */
const seen = new Map<string, string[]>();

interface Told {
  readonly traceId: string;
  toJSON(): object | null;
}

const note = ({ traceId, ...told }: Told, json: object | null): Promise<void> => {
  seen.set(traceId, [...(seen.get(traceId) ?? []), JSON.stringify({ ...told, json })]);
  return Promise.resolve();
};

const processor: TracingProcessor = {
  onTraceStart: (trace) => note(trace, trace.toJSON()),
  onTraceEnd: (trace) => note(trace, trace.toJSON()),
  onSpanStart: (span) => note(span, span.toJSON()),
  onSpanEnd: (span) => note(span, span.toJSON()),
  shutdown: () => Promise.resolve(),
  forceFlush: () => Promise.resolve(),
};

export function newTrace(): { readonly traceId: string; readonly told: () => string } {
  setTraceProcessors([processor]);
  setTracingDisabled(false);
  const traceId = `trace_${crypto.randomUUID().replaceAll('-', '')}`;
  return { traceId, told: () => (seen.get(traceId) ?? []).join('\n') };
}
