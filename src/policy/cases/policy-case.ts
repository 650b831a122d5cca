import type { JsonObject } from '../../call/json.ts';
import type { Decision, PolicyInput } from '../policy.ts';
import type { Place } from '../yaml-source.ts';

/** One case: a call, and what must be decided of it. */
export interface PolicyCase {
  readonly title: string;
  readonly place: Place;
  readonly input: PolicyInput;
  readonly expect: Expectation;
}

/** What is left out is not compared. */
export interface Expectation extends FindingExpectation {
  readonly code: string;
  /** All that the allow demands, in any order. Of each, the fields that are named. */
  readonly obligations?: readonly JsonObject[];
  readonly enforced?: boolean;
  /** What the rules in shadow would have made of it. */
  readonly shadow?: FindingExpectation;
}

export interface FindingExpectation {
  readonly verdict: Decision['verdict'];
  readonly code?: string;
  readonly rule?: string;
}

/** `NAME.cases.yaml`, read. */
export interface CaseFile {
  /** Paths of the packs that make up the policy, relative to the file. */
  readonly policies: readonly string[];
  readonly cases: readonly PolicyCase[];
}
