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

/** What an interrupt of ours says beside the `HITLRequest`: which denial it is about. */
export function denialAsked(request: unknown): Record<string, unknown> | undefined {
  if (!isRecord(request) || !(metaKeys.denial in request)) return undefined;
  const ours = [metaKeys.denial, metaKeys.envelope].filter((key) => key in request);
  return Object.fromEntries(ours.map((key) => [key, request[key]]));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
