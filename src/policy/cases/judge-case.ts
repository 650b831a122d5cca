import { asJson, isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import type { Decision, Policy } from '../policy.ts';
import type { Expectation, FindingExpectation, PolicyCase } from './policy-case.ts';

/** A case and what became of it. */
export interface JudgedCase {
  readonly case: PolicyCase;
  readonly decision: Decision;
  /** Empty when the case holds. */
  readonly differences: readonly Difference[];
}

export interface Difference {
  readonly what: string;
  /** As JSON; undefined is what was not to be there, or was not. */
  readonly expected: Json | undefined;
  readonly decided: Json | undefined;
}

/** Decides a case by a policy. Pure and total, as deciding is. */
export function judgeCase(policy: Policy, one: PolicyCase): JudgedCase {
  const decision = policy.decide(one.input);
  return { case: one, decision, differences: differencesOf(one.expect, decision) };
}

function differencesOf(expect: Expectation, decision: Decision): Difference[] {
  return [
    ...ofFinding(expect, decision, ''),
    ...ofObligations(expect, decision),
    ...(expect.enforced === undefined
      ? []
      : compared('enforced', expect.enforced, decision.enforced === undefined)),
    ...ofShadow(expect, decision),
  ];
}

function ofFinding(
  expect: FindingExpectation,
  decided: { readonly verdict: string; readonly code: string; readonly rule?: string },
  prefix: string,
): Difference[] {
  return (['verdict', 'code', 'rule'] as const).flatMap((name) =>
    expect[name] === undefined ? [] : compared(`${prefix}${name}`, expect[name], decided[name]),
  );
}

function ofShadow({ shadow }: Expectation, decision: Decision): Difference[] {
  if (shadow === undefined) return [];
  if (decision.shadow !== undefined) return ofFinding(shadow, decision.shadow, 'shadow.');
  return [{ what: 'shadow', expected: { ...shadow }, decided: undefined }];
}

/** Each that is expected is matched with one that was decided, and none is left over. */
function ofObligations({ obligations: expected }: Expectation, decision: Decision): Difference[] {
  if (expected === undefined) return [];
  const obligations = decision.verdict === 'ALLOW' ? decision.obligations : [];
  const decided = obligations.map((one) => asJson(one) as JsonObject);
  const left = [...decided];
  // The most exact first: what is said of less would take what fits another alone.
  for (const one of expected.toSorted((a, b) => Object.keys(b).length - Object.keys(a).length)) {
    const at = left.findIndex((other) => includes(other, one));
    if (at < 0) return [{ what: 'obligations', expected: [...expected], decided: [...decided] }];
    left.splice(at, 1);
  }
  return left.length === 0 ? [] : [{ what: 'obligations', expected: [...expected], decided: [...decided] }];
}

function includes(object: JsonObject, fields: JsonObject): boolean {
  return Object.entries(fields).every(
    ([name, value]) => Object.hasOwn(object, name) && isSame(object[name], value),
  );
}

function isSame(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((one, index) => isSame(one, right[index]));
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  return Object.keys(left).length === Object.keys(right).length && includes(left, right);
}

function compared(what: string, expected: Json, decided: Json | undefined): Difference[] {
  return isSame(expected, decided) ? [] : [{ what, expected, decided }];
}
