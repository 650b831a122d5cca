import type { PolicyInput } from '../src/policy/policy.ts';

/** One rule, as data: each engine gets it in its own language, with the same conditions in the same order. */
export interface RuleSpec {
  readonly id: string;
  readonly effect: 'allow' | 'deny';
  readonly tool: string;
  readonly zone: string;
  /** What `args.value` may be at most. */
  readonly most: number;
  readonly role: string;
}

/** `own`: each rule has a tool of its own, so that a call is one rule's business. `one`: all have the same tool. */
export type Spread = 'own' | 'one';

export type Answer = 'allow' | 'deny' | 'no rule';

export interface Question {
  readonly tool: string;
  readonly zone: string;
  readonly value: number;
  readonly roles: readonly string[];
}

/** An engine with its rules in it. What `prepare` does, putting a question into the engine's form, is not measured. */
export interface Engine {
  readonly name: string;
  prepare(question: Question): () => Answer;
}

export const server = 'plant';
const zone = 'ot-control';
/** Roles that no rule names: a person has several. */
const otherRoles = ['staff', 'shift-b', 'viewer', 'auditor'];

/** Every tenth rule denies. */
export function rulesOf(count: number, spread: Spread): readonly RuleSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `rule-${i}`,
    effect: i % 10 === 9 ? 'deny' : 'allow',
    tool: spread === 'own' ? `tool_${i}` : 'tool_0',
    zone,
    most: 100 + i,
    role: `role-${i}`,
  }));
}

/** What is timed: allowed by the first rule, which where all share a tool takes asking every other one as well. */
export const timed: readonly Question[] = [50, 60].map((value) => ({
  tool: 'tool_0',
  zone,
  value,
  roles: [...otherRoles, 'role-0'],
}));

/** Allowed, denied, and neither, for one reason or another: what all engines must agree on before they are timed. */
export function mixed(): readonly Question[] {
  const roles = [['role-0'], ['role-9'], ['role-0', 'role-9'], []];
  return roles.flatMap((held) =>
    ['tool_0', 'tool_9', 'tool_of_no_rule'].flatMap((tool) =>
      [zone, 'office'].flatMap((where) =>
        [50, 1_000_000].map((value) => ({ tool, zone: where, value, roles: [...otherRoles, ...held] })),
      ),
    ),
  );
}

/** The question as a gate puts it. */
export function inputOf({ tool, zone: where, value, roles }: Question): PolicyInput {
  return {
    agent: { id: 'spiffe://example.org/planner', issuer: 'example.org', binding: 'none' },
    human: {
      issuer: 'https://idp.example.org',
      subject: 'u1',
      tenant: 'plant',
      roles: [...roles],
      groups: [],
      binding: 'none',
    },
    device: { id: 'hmi-4', trust: 'managed' },
    network: { ip: '10.0.0.8', zone: where },
    session: { id: 's1', tenant: 'plant', mode: 'isolated' },
    tool: { server, name: tool, accepted: true, listed: true },
    args: { value, unit: 'kPa' },
    now: '2026-01-01T12:00:00Z',
  };
}
