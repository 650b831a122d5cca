import { limits } from '../limits.ts';
import { compileCondition } from '../condition.ts';
import { parseToolPattern, isLiteral } from '../../call/tool-pattern.ts';
import { celString, oneOf } from './cel-text.ts';
import type { ToolProfile } from './tool-profile.ts';
import {
  byCodeUnits,
  fieldConditions,
  mayBeNamed,
  type Described,
  type Tightness,
} from './value-condition.ts';

/** The parts of a condition, each with what it was made from. */
export interface ConditionPart extends Described {
  /** `agent.id`, `args.path`. */
  readonly about: string;
  /** In how many of the calls there was something of it. */
  readonly seen: number;
}

/** Whether a pattern can name exactly this tool. */
export function canBeNamed(server: string, name: string): boolean {
  const text = `${server}/${name}`;
  try {
    const pattern = parseToolPattern(text);
    return (
      isLiteral(pattern) &&
      pattern.server === server &&
      pattern.tool === name &&
      /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text)
    );
  } catch {
    return false;
  }
}

/** What all calls to a tool had in common, as the parts of one condition; undefined where it has no room in one. */
export function conditionOf(profile: ToolProfile, tight: Tightness): readonly ConditionPart[] | undefined {
  const parts = [...callerParts(profile), ...argumentParts(profile, tight)];
  const when = joined(parts);
  if (when.length > limits.conditionLength) return undefined;
  try {
    compileCondition(when);
    return parts;
  } catch {
    return undefined;
  }
}

export function joined(parts: readonly ConditionPart[]): string {
  return parts.map(({ when }) => when).join('\n&& ');
}

function callerParts(profile: ToolProfile): ConditionPart[] {
  const { agents, zones, trusts, roles, accepted, count } = profile;
  return [
    ...namesPart('agent.id', agents, count),
    ...(accepted === count
      ? [{ about: 'tool', seen: count, when: 'tool.accepted', notes: ['accepted'] }]
      : []),
    ...(roles ?? [])
      .filter((role) => !role.includes('@') && role.length <= 256)
      .slice(0, mostRoles)
      .sort(byCodeUnits)
      .map((role) => ({
        about: 'human.roles',
        seen: count,
        when: `${celString(role)} in human.roles`,
        notes: ['every person had it'],
      })),
    ...namesPart('network.zone', zones, count),
    ...namesPart('device.trust', trusts, count),
  ];
}

const mostRoles = 8;

function namesPart(about: string, names: ReadonlySet<string> | undefined, seen: number): ConditionPart[] {
  if (names === undefined || names.size === 0) return [];
  // Written however they look: an agent is no person, and who may call is what a rule is about.
  if ([...names].some((name) => name.length > 256)) return [];
  const when = oneOf(about, [...names].sort(byCodeUnits).map(celString));
  return [{ about, seen, when, notes: [`${names.size} different`] }];
}

function argumentParts({ args, count }: ToolProfile, tight: Tightness): ConditionPart[] {
  const { fields } = args;
  if (fields === undefined || ![...fields.keys()].every(mayBeNamed))
    return [
      {
        about: 'args',
        seen: count,
        when: `size(args) <= ${args.largest}`,
        notes: ['THEIR NAMES LOOK LIKE DATA, so that anything is let through: write this by hand'],
      },
    ];
  const { parts } = fieldConditions(fields, count, 'args', tight, 0);
  return parts.map(({ name, ...part }) => ({ about: name === '' ? 'args' : `args.${name}`, ...part }));
}
