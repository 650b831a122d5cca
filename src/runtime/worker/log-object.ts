import { toCountersignError, type CountersignError } from '../../errors.ts';
import { refusalAnswer, toResponse } from '../../gateway/http/answers.ts';
import { openGateway, type WorkerGateway } from './open-gateway.ts';
import type { Bindings, ObjectState } from './platform.ts';
import type { WorkerSources } from './settings.ts';

/** What the platform asks of a Durable Object. */
export interface LogObject {
  fetch(request: Request): Promise<Response>;
  alarm(): Promise<void>;
}

export type LogObjectClass = new (state: ObjectState, env: Bindings) => LogObject;

/** Milliseconds until a publication that failed is tried again. */
const retryAfter = 30_000;

/** The Durable Object that is the log and everything that executes. Sources are those of the deployed version. */
export function logObjectClass(sources: WorkerSources): LogObjectClass {
  const report = (what: string, { code, message }: CountersignError): void =>
    sources.report?.(`countersign: ${what}: ${code}: ${message}`);

  return class Log implements LogObject {
    readonly #state: ObjectState;
    readonly #env: Bindings;
    #gateway: Promise<WorkerGateway> | undefined;
    #inFlight = 0;

    constructor(state: ObjectState, env: Bindings) {
      this.#state = state;
      this.#env = env;
    }

    async fetch(request: Request): Promise<Response> {
      let gateway: WorkerGateway;
      try {
        gateway = await this.#open();
      } catch {
        // Why, the operator reads: callers cannot do anything about it.
        return toResponse(refusalAnswer('GATE_CLOSED', 'The gate could not be opened.'));
      }
      if (this.#inFlight >= gateway.maxInFlight)
        return toResponse(refusalAnswer('GATE_CLOSED', 'Too many requests at a time: try again.'));
      this.#inFlight += 1;
      try {
        return await gateway.fetch(request);
      } finally {
        this.#inFlight -= 1;
      }
    }

    /** Runs at least once after the last commit. It may run twice, and alone: nothing of a call depends on it. */
    async alarm(): Promise<void> {
      try {
        await (await this.#open()).onAlarm();
      } catch (thrown) {
        report(
          'the public copy',
          toCountersignError(thrown, 'LEDGER_UNAVAILABLE', 'It could not be written.'),
        );
        // The platform itself gives up on an alarm that fails a few times.
        await this.#state.storage.setAlarm(Date.now() + retryAfter);
      }
    }

    /** Once; after a failure again with the next request. */
    #open(): Promise<WorkerGateway> {
      this.#gateway ??= openGateway(this.#state, this.#env, sources).catch((thrown: unknown) => {
        this.#gateway = undefined;
        const error = toCountersignError(thrown, 'INTERNAL', 'The gate could not be opened.');
        report('the gate stays closed', error);
        throw error;
      });
      return this.#gateway;
    }
  };
}
