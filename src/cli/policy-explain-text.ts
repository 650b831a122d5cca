import type {
  Explained,
  ExplainedCall,
  ExplainedRule,
  Explanation,
  ShownValue,
} from '../runtime/policy/explain-call.ts';
import type { Io } from './io.ts';
import { palette, type Palette } from './paint.ts';
import { printable } from './printable.ts';

/** Characters of a value, and of a sub-expression, that a line shows. */
const shownLength = 120;

/** An explanation for people: the verdict, then each rule with its condition as a tree. */
export function explanationText(explanation: Explanation | ExplainedCall, io: Io): string {
  const paint = palette(io.stdout, io);
  const { rules, others } = explanation;
  const lines = [
    ...('recorded' in explanation ? recordedLines(explanation, paint) : []),
    ...verdictLines(explanation, paint),
    ...rules.flatMap((rule) => ['', ...ruleLines(rule, paint)]),
    '',
    paint.dim(othersText(rules.length, others)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function recordedLines(
  { recorded, samePolicy, policy }: ExplainedCall,
  { bold, bad, dim }: Palette,
): string[] {
  const { verdict, code, rule, enforced, tool, time } = recorded;
  const by = rule === undefined ? '' : ` by the rule ${printable(rule)}`;
  const lines = [
    `Recorded ${new Date(time).toISOString()}: ${printable(`${tool.server}/${tool.name}`)}  ${bold(verdict)} ${printable(code)}${by}${enforced ? '' : ', not enforced'}`,
  ];
  if (samePolicy) return [...lines, dim(`By this very policy, sha256:${policy.digest.slice(0, 16)}…`)];
  return [
    ...lines,
    bad(
      `That was another policy (sha256:${printable(recorded.policy).slice(0, 16)}…) than this one (sha256:${policy.digest.slice(0, 16)}…):`,
    ),
    bad('what follows is what this one says now, not why the call was decided so then.'),
  ];
}

function verdictLines({ decision, policy }: Explanation, { bold, good, bad }: Palette): string[] {
  const painted = decision.verdict === 'ALLOW' ? good : bad;
  const held = decision.enforced === false ? ', not enforced: every rule is in shadow' : '';
  const lines = [
    `${bold(painted(decision.verdict))} ${decision.code}${held}  (policy ${policy.id})`,
    printable(decision.message),
  ];
  const { shadow } = decision;
  if (shadow === undefined) return lines;
  return [
    ...lines,
    `With the rules in shadow it would be ${shadow.verdict} ${shadow.code}: ${printable(shadow.message)}`,
  ];
}

const answers = {
  match: 'matches',
  'no-match': 'does not match',
  error: 'is an error, and so a denial',
} as const;

function ruleLines(rule: ExplainedRule, paint: Palette): string[] {
  const { bold, dim } = paint;
  const { id, effect, shadow, place, answer, outOfSteps, decided, when, obligations } = rule;
  const said = outOfSteps ? 'needs more steps than a decision has, and so is an error' : answers[answer];
  const head = `${bold(`${effect} ${id}`)}${shadow ? ' (shadow)' : ''} ${said}${decided ? bold(', and decides') : ''}`;
  return [
    `${head}  ${dim(`${printable(place.name)}:${place.line}:${place.column}`)}`,
    ...(when === undefined ? ['  no condition'] : partLines(when, '  ', paint)),
    ...obligations.map(({ type, comesTo }) =>
      comesTo === null
        ? `  obliges to ${type}: cannot be told for this call`
        : comesTo === 'none'
          ? `  does not oblige to ${type} here`
          : `  obliges to ${type}: ${cut(printable(JSON.stringify(comesTo)))}`,
    ),
  ];
}

function partLines(part: Explained, indent: string, paint: Palette): string[] {
  const { needed, parts, macro, text } = part;
  const value = 'error' in part ? paint.bad(`error: ${whyTexts[part.error]}`) : valueText(part);
  const line = `${cut(printable(text))} → ${value}`;
  const deeper = `${indent}  `;
  return [
    `${indent}${needed ? line : paint.dim(`(${line})`)}`,
    ...parts.flatMap((one) => partLines(one, deeper, paint)),
    ...(macro === undefined ? [] : elementLines(macro, deeper, paint)),
  ];
}

const whyTexts = {
  absent: 'absent, the call does not prove it',
  missing: 'missing',
  kind: 'of another kind',
  value: 'not a value that this takes',
  steps: 'too much work for a decision',
} as const;

function elementLines(
  { of, element }: NonNullable<Explained['macro']>,
  indent: string,
  paint: Palette,
): string[] {
  if (element === undefined) return [`${indent}${paint.dim(`of ${of}, no single one decides`)}`];
  const at = typeof element.at === 'number' ? `#${element.at}` : cut(printable(JSON.stringify(element.at)));
  return [
    `${indent}${at} of ${of} decides: ${valueText(element.shown)}`,
    ...partLines(element.body, `${indent}  `, paint),
  ];
}

function valueText({ value, kind }: ShownValue): string {
  // The name of a type, a time: a text that is no string of CEL.
  if (typeof value === 'string' && kind !== undefined) return cut(printable(value));
  return cut(printable(JSON.stringify(value)));
}

function cut(text: string): string {
  if (text.length <= shownLength) return text;
  // Never half of a character.
  const shown = text.slice(0, shownLength).replace(/[\ud800-\udbff]$/, '');
  return `${shown}… (${text.length} characters)`;
}

function othersText(shown: number, others: number): string {
  const about =
    shown === 0 ? 'No rule is about this tool' : `${shown} of ${shown + others} rules are about this tool`;
  return `${about}.`;
}
