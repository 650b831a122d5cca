import type { GovernedEnd } from '../../src/client/governed.ts';
import type { ReasonCode } from '../../src/names.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Decision, Policy } from '../../src/policy/policy.ts';
import type { Logged } from './world.ts';

/** What the contract's gates decide, and what it reads of their answers. */

/** A policy that allows the notes that the person has asked for. */
export function notesAskedFor(server: string): Policy {
  const when = 'fromRequest(args.text)';
  const rule = { id: 'asked-for', effect: 'allow', tools: [`${server}/add_note`], when };
  return compilePolicy([
    { name: 'asked.yaml', text: JSON.stringify({ version: 1, name: 'asked', rules: [rule] }) },
  ]);
}

/** An ALLOW that demands these. */
export function allow(...demands: readonly ('confirm' | 'approval')[]): Decision {
  const obligations = demands.map((type) =>
    type === 'confirm'
      ? { type, rule: 'ask' }
      : { type, rule: 'ask', from: ['operator'], count: 1, within: 60, by: 'any' as const },
  );
  return { verdict: 'ALLOW', code: 'RULE_ALLOWS', rule: 'all', message: '', obligations, controls: [] };
}

export function deny(code: ReasonCode): Decision {
  return { verdict: 'DENY', code, rule: 'ask', message: 'A person has to approve this.', controls: [] };
}

export function kinds(logged: readonly Logged[]): readonly string[] {
  return logged.map(({ kind }) => kind);
}

export function evidenceOf(end: GovernedEnd | undefined): string {
  const ended = end?.ended;
  return ended !== undefined && 'evidence' in ended ? (ended.evidence ?? '') : '';
}
