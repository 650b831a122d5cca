import type { SuggestOptions, WhyNone } from './suggest.ts';
import type { ToolProfile } from './tool-profile.ts';
import { joined, type ConditionPart } from './tool-rule.ts';

export interface ProposedRule {
  readonly id: string;
  readonly tool: string;
  readonly profile: ToolProfile;
  readonly parts: readonly ConditionPart[];
}

const whyTexts: Readonly<Record<WhyNone, string>> = {
  unnameable: 'no pattern names this tool and no other',
  'too-large': 'what its calls have in common has no room in one condition',
  denied: 'what allows its calls would also allow some that a rule denied',
};

/** The pack, with comments that say from how many calls each part comes. */
export function packText(
  { name, least }: SuggestOptions,
  rules: readonly ProposedRule[],
  without: readonly { readonly tool: string; readonly why: WhyNone }[],
): string {
  const profiles = rules.map(({ profile }) => profile);
  const calls = profiles.reduce((sum, { count }) => sum + count, 0);
  const lines = [
    `# Proposed from ${calls} recorded calls${periodOf(profiles)}: what they had in common, and no more.`,
    '# For a person to review: what an agent did is not yet what it should do. It is in shadow, so that nothing is',
    '# enforced by it; take the line "mode" out when it is as it should be.',
    ...without.map(({ tool, why }) => `# No rule for ${commented(tool)}: ${whyTexts[why]}.`),
    'version: 1',
    `name: ${name}`,
    'mode: shadow',
    ...(rules.length === 0 ? ['rules: []'] : ['rules:', ...rules.flatMap((rule) => ruleLines(rule, least))]),
  ];
  return `${lines.join('\n')}\n`;
}

function periodOf(profiles: readonly ToolProfile[]): string {
  if (profiles.length === 0) return '';
  const first = Math.min(...profiles.map((one) => one.first));
  const last = Math.max(...profiles.map((one) => one.last));
  return `, ${new Date(first).toISOString()} to ${new Date(last).toISOString()}`;
}

function ruleLines({ id, tool, profile, parts }: ProposedRule, least: number): readonly string[] {
  const { count, deniedBeyond } = profile;
  return [
    '',
    `  # ${count} ${count === 1 ? 'call' : 'calls'}`,
    ...(count < least
      ? [`  # TOO FEW to tell a habit from an accident (fewer than ${least}): look at each.`]
      : []),
    ...(deniedBeyond > 0
      ? [`  # Not held against ${deniedBeyond} further calls that a rule denied: keep that rule.`]
      : []),
    ...parts.map(
      ({ about, seen, notes }) => `  #   ${commented(about)}: in ${seen} of ${count}, ${notes.join('; ')}`,
    ),
    `  - id: ${id}`,
    '    effect: allow',
    `    tools: [${JSON.stringify(tool)}]`,
    '    when: |-',
    ...joined(parts)
      .split('\n')
      .map((line) => `      ${line}`),
  ];
}

/** Names that callers chose, in one line, and short. */
function commented(name: string): string {
  const short = name.length > 128 ? `${name.slice(0, 128)}…` : name;
  return short.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '\u{fffd}');
}
