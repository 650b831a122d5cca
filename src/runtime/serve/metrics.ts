import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ReceivedEvent } from '../../identity/events/event-receiver.ts';
import type { SeenAnswer } from '../../gateway/http/app.ts';
import type { MetricsSource } from '../../gateway/http/metrics-routes.ts';
import type { ReasonCode } from '../../names.ts';
import type { NoticeResult } from '../notices/create-notices.ts';
import type { GateObserver } from './observed-gates.ts';

/** What is only known when somebody asks. */
export interface MetricsReadings {
  /** Entries of the log. */
  readonly logSize: () => Promise<number>;
  readonly requestsInFlight: () => number;
  readonly openStreams: () => number;
}

export interface BuildInfo {
  readonly version: string;
  readonly mode: string;
}

/**
 * What this process counts, across its configurations. Every label is one of a fixed set, or a name of the operator's: what a
 * caller writes is never one, as each new text would be a new series for ever.
 */
export interface Metrics extends MetricsSource {
  readonly gate: GateObserver;
  readonly onAnswer: (seen: SeenAnswer) => void;
  /** What has come of a security event that was taken. */
  readonly onSecurityEvent: (came: ReceivedEvent) => void;
  /** What has come of a notice to one of the recipients of the configuration. */
  readonly onNotice: (to: string, result: NoticeResult) => void;
  /** A request that was refused before the application saw it. */
  readonly onRefused: (code: ReasonCode) => void;
}

/** Seconds. A decision is a commit to a disk; an execution may be anything. */
const decideBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const executeBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export function createMetrics(readings: MetricsReadings, build: BuildInfo): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  gauges(registers, readings, build);

  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ) => new Histogram({ name, help, labelNames, buckets, registers });

  const decisions = counter('countersign_decisions_total', 'Calls by verdict, reason code and server.', [
    'server',
    'verdict',
    'code',
  ]);
  const deciding = histogram(
    'countersign_decide_seconds',
    'From the coming of a call until its verdict is signed and durable.',
    ['verdict'],
    decideBuckets,
  );
  const outcomes = counter(
    'countersign_outcomes_total',
    'How allowed calls ended, by outcome, reason code and server.',
    ['server', 'outcome', 'code'],
  );
  const executing = histogram(
    'countersign_execute_seconds',
    'What targets took for allowed calls.',
    ['server'],
    executeBuckets,
  );
  const callsInFlight = new Gauge({
    name: 'countersign_calls_in_flight',
    help: 'Calls that are not answered yet.',
    registers,
  });
  const answers = histogram(
    'countersign_http_seconds',
    'Until an answer began, by route and status.',
    ['route', 'status'],
    decideBuckets,
  );
  const refusals = counter(
    'countersign_http_refusals_total',
    'Answers that are refusals or denials, by reason code.',
    ['code'],
  );
  const events = counter(
    'countersign_security_events_total',
    'Security events that were taken, by what came of them.',
    ['result'],
  );
  const notices = counter('countersign_notices_total', 'Notices by recipient, and what came of them.', [
    'to',
    'result',
  ]);

  return {
    gate: {
      began() {
        callsInFlight.inc();
        return () => callsInFlight.dec();
      },
      decided(server, verdict, code, seconds) {
        decisions.inc({ server, verdict, code });
        deciding.observe({ verdict }, seconds);
      },
      ended(server, outcome, code, seconds) {
        outcomes.inc({ server, outcome, code });
        if (seconds !== undefined) executing.observe({ server }, seconds);
      },
    },
    onAnswer({ route, status, code, seconds }) {
      answers.observe({ route, status }, seconds);
      if (code !== undefined) refusals.inc({ code });
    },
    onSecurityEvent: (result) => events.inc({ result }),
    onNotice: (to, result) => notices.inc({ to, result }),
    onRefused: (code) => refusals.inc({ code }),
    render: async () => ({ text: await registry.metrics(), type: registry.contentType }),
  };
}

function gauges(
  registers: Registry[],
  { logSize, requestsInFlight, openStreams }: MetricsReadings,
  { version, mode }: BuildInfo,
): void {
  new Gauge({
    name: 'countersign_build_info',
    help: 'Always 1; what runs is in the labels.',
    labelNames: ['version', 'mode', 'node'],
    registers,
  }).set({ version, mode, node: process.versions.node }, 1);
  new Gauge({
    name: 'countersign_log_entries',
    help: 'Entries of the log, whichever gate has written them. Absent while the ledger cannot be read.',
    registers,
    async collect() {
      try {
        this.set(await logSize());
      } catch {
        this.reset();
        this.remove();
      }
    },
  });
  new Gauge({
    name: 'countersign_http_in_flight',
    help: 'Requests that are not answered yet, streams not among them.',
    registers,
    collect() {
      this.set(requestsInFlight());
    },
  });
  new Gauge({
    name: 'countersign_streams',
    help: 'Open streams of events.',
    registers,
    collect() {
      this.set(openStreams());
    },
  });
}
