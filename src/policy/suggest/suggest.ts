import { compilePolicy } from '../compile.ts';
import type { Policy, PolicyInput } from '../policy.ts';
import { packText, type ProposedRule } from './pack-text.ts';
import { ToolProfile } from './tool-profile.ts';
import { canBeNamed, conditionOf, joined, type ConditionPart } from './tool-rule.ts';
import { byCodeUnits } from './value-condition.ts';

export interface SuggestOptions {
  /** The pack's name. */
  readonly name: string;
  /** From how many calls to a tool on its rule needs no warning. */
  readonly least: number;
}

/** Proposes rules from calls that it is shown one by one, in bounded space. The same calls make the same pack. */
export interface Suggester {
  /** A call that is to be allowed. `time`: wall milliseconds. */
  allow(input: PolicyInput, time: number): void;
  /** A call that a rule denied: nothing that is proposed may allow it. */
  deny(input: PolicyInput): void;
  /** The pack, YAML, in shadow; undefined where there is nothing to propose. */
  pack(options: SuggestOptions): Suggestion | undefined;
}

export interface Suggestion {
  readonly text: string;
  readonly rules: number;
  /** Tools for which nothing is proposed, and why. */
  readonly without: readonly { readonly tool: string; readonly why: WhyNone }[];
  /** Calls to tools that there was no room for. */
  readonly beyond: number;
}

/** `denied`: whatever allows what was seen also allows what a rule denied. */
export type WhyNone = 'unnameable' | 'too-large' | 'denied';

/** Tools of one pack: beyond them a person would not read it. */
const mostTools = 1_000;
/** Characters of all denied calls that are held, as JSON. */
const deniedLength = 64 * 1_048_576;

export function createSuggester(): Suggester {
  const tools = new Map<string, Seen>();
  let beyond = 0;
  let room = deniedLength;
  const profileOf = ({ tool: { server, name } }: PolicyInput): ToolProfile | undefined => {
    const key = JSON.stringify([server, name]);
    const known = tools.get(key);
    if (known !== undefined || tools.size >= mostTools) return known?.profile;
    const profile = new ToolProfile();
    tools.set(key, { server, name, profile });
    return profile;
  };
  return {
    allow(input, time) {
      const profile = profileOf(input);
      if (profile === undefined) beyond += 1;
      profile?.see(input, time);
    },
    deny(input) {
      room -= JSON.stringify(input).length;
      profileOf(input)?.seeDenied(input, room >= 0);
    },
    pack(options) {
      const seen = [...tools.entries()]
        .filter(([, { profile }]) => profile.count > 0)
        .sort(([one], [other]) => byCodeUnits(one, other))
        .map(([, each]) => each);
      return seen.length === 0 ? undefined : { ...suggestionOf(seen, options), beyond };
    },
  };
}

interface Seen {
  readonly server: string;
  readonly name: string;
  readonly profile: ToolProfile;
}

function suggestionOf(seen: readonly Seen[], options: SuggestOptions): Omit<Suggestion, 'beyond'> {
  const taken = new Set<string>();
  const rules: ProposedRule[] = [];
  const without: { readonly tool: string; readonly why: WhyNone }[] = [];
  for (const { server, name, profile } of seen) {
    const tool = `${server}/${name}`;
    const found = canBeNamed(server, name) ? ruleOf(tool, profile, options) : 'unnameable';
    if (typeof found === 'string') without.push({ tool, why: found });
    else rules.push({ id: freeId(tool, taken), tool, profile, parts: found });
  }
  return { text: packText(options, rules, without), rules: rules.length, without };
}

/** What the calls have in common; where that lets through what a rule denied, each value that was seen. */
function ruleOf(
  tool: string,
  profile: ToolProfile,
  { least }: SuggestOptions,
): readonly ConditionPart[] | WhyNone {
  let why: WhyNone = 'too-large';
  for (const exact of [false, true]) {
    const parts = conditionOf(profile, { exact, least });
    if (parts === undefined) continue;
    if (!allowsDenied(tool, parts, profile)) return parts;
    why = 'denied';
  }
  return why;
}

function allowsDenied(tool: string, parts: readonly ConditionPart[], { denied }: ToolProfile): boolean {
  if (denied.length === 0) return false;
  const alone = policyOf(tool, joined(parts));
  return denied.some((input) => alone.decide(input).verdict === 'ALLOW');
}

function policyOf(tool: string, when: string): Policy {
  const rule = { id: 'one', effect: 'allow', tools: [tool], when };
  return compilePolicy([
    { name: 'proposed', text: JSON.stringify({ version: 1, name: 'one', rules: [rule] }) },
  ]);
}

/** Of a tool's name, with a number behind it where that is taken. */
function freeId(tool: string, taken: Set<string>): string {
  const base = tool
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 56);
  const named = base === '' ? 'tool' : base;
  let id = named;
  for (let next = 2; taken.has(id); next++) id = `${named}-${next}`;
  taken.add(id);
  return id;
}
