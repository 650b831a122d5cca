import { CountersignError } from '../../errors.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { readInput } from '../../policy/cases/read-input.ts';
import { explainablePolicy, type Explanation } from '../../policy/explain/explain.ts';
import type { PolicyInput, PolicySource } from '../../policy/policy.ts';
import { YamlSource } from '../../policy/yaml-source.ts';
import { recordedCall, type RecordedCall } from './recorded-call.ts';

export type { ExplainedRule, Explanation } from '../../policy/explain/explain.ts';
export type { Explained } from '../../policy/explain/explained.ts';
export type { ShownValue } from '../../policy/explain/shown-value.ts';

/** Why a recorded call is decided as it is, beside what the log says of it. */
export interface ExplainedCall extends Explanation {
  readonly recorded: Omit<RecordedCall, 'input'>;
  /** Whether the policy that explains is the one that decided then. */
  readonly samePolicy: boolean;
}

/** NOT_FOUND: the log has no such call. PLAINTEXT_MISSING: what it was decided on was not kept, or is not what was signed. */
export async function explainCall(
  ledger: Pick<Ledger, 'entriesOfCall' | 'side'>,
  callId: string,
  sources: readonly PolicySource[],
): Promise<ExplainedCall> {
  const policy = explainablePolicy(sources);
  const side = await ledger.side(callId);
  const [call] = (await ledger.entriesOfCall(callId))
    .map((entry) => recordedCall(entry, side))
    .filter((one) => one !== undefined);
  if (call === undefined)
    throw new CountersignError('NOT_FOUND', `The log has no verdict on a call ${callId}.`);
  const { input, ...recorded } = call;
  if (input.state !== 'kept') throw new CountersignError('PLAINTEXT_MISSING', whyNot[input.state]);
  return { ...policy.explain(input.value), recorded, samePolicy: recorded.policy === policy.policy.digest };
}

const whyNot = {
  'not-kept':
    'What this call was decided on was not kept, or was erased: policy says so under plaintext. Write the input down and say --input.',
  sealed:
    'What this call was decided on is sealed to somebody else’s key: countersign disclose opens it with --field input --decrypt KEY. Give what it prints to --input.',
  changed:
    'What lies beside the log as the input of this call does not open what was signed: it was changed, and nothing of it is believed.',
} as const;

/**
 * The same for a call that is written down: JSON, as in the cases of a pack, or what `disclose` printed of the field `input`.
 * `name` is for messages.
 */
export function explainInput(name: string, text: string, sources: readonly PolicySource[]): Explanation {
  const policy = explainablePolicy(sources);
  const disclosed = disclosedInput(text);
  if (disclosed !== undefined) return policy.explain(disclosed);
  const yaml = new YamlSource({ name, text });
  return policy.explain(readInput(yaml, yaml.root ?? undefined));
}

function disclosedInput(text: string): PolicyInput | undefined {
  try {
    const { field, value } = JSON.parse(text) as { readonly field?: unknown; readonly value?: unknown };
    return field === 'input' && typeof value === 'string' ? (JSON.parse(value) as PolicyInput) : undefined;
  } catch {
    return undefined;
  }
}
