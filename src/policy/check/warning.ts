import type { Place } from '../yaml-source.ts';

/** What a policy may be warned of. The names are stable: for machines. */
export const warningKinds = [
  'never-decides',
  'duplicate',
  'covered',
  'never-true',
  'always-true',
  'always-fails',
  'allows-everything',
  'no-tool',
  'unmentioned-tool',
  'undeclared-argument',
  'argument-type',
  'argument-value',
] as const;

export type WarningKind = (typeof warningKinds)[number];

/** Something that its author hardly meant. It refuses nothing: the policy does what it says. */
export interface Warning {
  readonly kind: WarningKind;
  readonly place: Place;
  /** Absent of what is about no single rule. */
  readonly rule?: string;
  /** Without a full stop. */
  readonly sentence: string;
}
