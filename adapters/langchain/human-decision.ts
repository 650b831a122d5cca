import { metaKeys } from '../../src/adapter.ts';

export interface HumanDecision {
  readonly type?: unknown;
  readonly message?: unknown;
}

/** The one decision of an `HITLResponse`, as one was asked for; undefined for an answer of another shape. */
export function decisionOf(answer: unknown): HumanDecision | undefined {
  const decisions = isRecord(answer) ? answer['decisions'] : undefined;
  const [decision, ...more] = Array.isArray(decisions) ? (decisions as unknown[]) : [];
  return isRecord(decision) && more.length === 0 ? decision : undefined;
}

/** What an interrupt of ours was about. */
export interface Question {
  /** What it says beside the `HITLRequest`: the denial, and its envelope. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** What the person was shown. */
  readonly args?: unknown;
}

/** Undefined for an interrupt that is not ours. */
export function questionIn(request: unknown): Question | undefined {
  if (!isRecord(request) || !(metaKeys.denial in request)) return undefined;
  const ours = [metaKeys.denial, metaKeys.envelope].filter((key) => key in request);
  const [action] = Array.isArray(request['actionRequests']) ? (request['actionRequests'] as unknown[]) : [];
  return {
    meta: Object.fromEntries(ours.map((key) => [key, request[key]])),
    ...(isRecord(action) && { args: action['args'] }),
  };
}

/** Whether it asked the person to confirm the call, and not to approve it. */
export function asksToConfirm({ meta }: Question): boolean {
  const denial = meta[metaKeys.denial];
  return isRecord(denial) && denial['code'] === 'CONFIRMATION_REQUIRED';
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
