import type { EvidenceRoot, Rule } from './rule.ts';

/**
 * Sentences for the model and the log: what was refused and why, nothing of the call's arguments, and nothing about
 * how to change policy.
 */

interface Tool {
  readonly server: string;
  readonly name: string;
}

export function allowedBy(rule: Rule, tool: Tool): string {
  return `${nameOf(tool)} was allowed by the rule ${rule.id}${because(rule)}`;
}

export function deniedBy(rule: Rule, tool: Tool): string {
  return `${nameOf(tool)} was refused by the rule ${rule.id}${because(rule)}`;
}

export function allowedByNone(tool: Tool): string {
  return `${nameOf(tool)} was refused: no rule allows this call.`;
}

export function failedIn(rule: Rule, tool: Tool, outOfSteps: boolean): string {
  const why = outOfSteps
    ? 'the call is too large, or too many rules are about its tool, for its condition to be evaluated'
    : 'its condition could not be evaluated for this call';
  return `${nameOf(tool)} was refused by the rule ${rule.id}: ${why}.`;
}

export function missingFor(rule: Rule, tool: Tool, root: EvidenceRoot): string {
  return `${nameOf(tool)} was refused by the rule ${rule.id}: it asks about the ${root}, and the call proves none.`;
}

export const failedAltogether = 'The call was refused: policy could not be evaluated for it.';

function because(rule: Rule): string {
  if (rule.reason === undefined) return '.';
  return /[.!?]$/.test(rule.reason) ? `: ${rule.reason}` : `: ${rule.reason}.`;
}

/** The caller chose these names: no control characters into a terminal, no page of text into a log. */
function nameOf({ server, name }: Tool): string {
  return `${printable(server)}/${printable(name)}`;
}

function printable(name: string): string {
  const short = name.length > 128 ? `${name.slice(0, 128)}…` : name;
  return short.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}
