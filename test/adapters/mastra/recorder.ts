import { NoOpObservability, type ObservabilityInstance } from '@mastra/core/observability';

/**
 * Stands where Mastra's observability package would, and keeps as text everything that it is told: the options of each span, with
 * the `requestContext` as its own `toJSON` gives it, and whatever is added later.
 */
export class Recorder extends NoOpObservability {
  readonly #told: string[] = [];

  get told(): string {
    return this.#told.join('\n');
  }

  override getSelectedInstance(): ObservabilityInstance {
    return {
      startSpan: (options: object) => this.#span(options, undefined),
    } as unknown as ObservabilityInstance;
  }

  #span(options: object, parent: object | undefined): object {
    this.#tell('start', options);
    const span: Record<string, unknown> = {
      ...options,
      id: crypto.randomUUID(),
      traceId: 'trace',
      isValid: true,
      isInternal: false,
      parent,
      update: (more: object) => this.#tell('update', more),
      end: (more?: object) => this.#tell('end', more),
      error: (more: { error?: unknown }) => this.#tell('error', { ...more, error: String(more.error) }),
      createEventSpan: (more: object) => this.#span(more, span),
      createChildSpan: (more: object) => this.#span(more, span),
      createTracker: () => undefined,
      getParentSpanId: () => undefined,
      findParent: () => undefined,
      exportSpan: () => undefined,
      executeInContext: (run: () => unknown) => run(),
      executeInContextSync: (run: () => unknown) => run(),
      getCorrelationContext: () => undefined,
    };
    return span;
  }

  #tell(what: string, told: object | undefined): void {
    this.#told.push(`${what} ${toText(told)}`);
  }
}

/** What can be said of it in JSON. Agents and the like refer to each other. */
function toText(value: object = {}): string {
  const seen = new WeakSet<object>();
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== 'object' || each === null) return each;
    if (seen.has(each)) return '(again)';
    seen.add(each);
    return each;
  });
}
