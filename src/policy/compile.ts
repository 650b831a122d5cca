import { concatBytes, hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError, toCountersignError } from '../errors.ts';
import { decide, decideInShadow } from './decide.ts';
import { labelsOf } from './labels.ts';
import { limits } from './limits.ts';
import { readPack } from './pack.ts';
import { plaintextRules } from './plaintext.ts';
import type { KnownInput, Policy, PolicySource } from './policy.ts';
import { RuleIndex } from './rule-index.ts';
import { couldAllowAmong } from './visibility.ts';

/** Stated in each verdict. The engine's version is pinned: `cel/values.ts` leans on what it does not document. */
export const engine = 'cel/@bufbuild-0.6.1';

/**
 * Sources → one policy: their rules together, whose ids must all differ. Throws `CountersignError` POLICY_INVALID with
 * `name:line:column` and what to do.
 */
export function compilePolicy(sources: readonly PolicySource[]): Policy {
  try {
    return compile(sources);
  } catch (thrown) {
    // What is not ours: a parser that ran out of stack.
    throw toCountersignError(
      thrown,
      'POLICY_INVALID',
      `${nameAll(sources)}: this cannot be read as a policy.`,
    );
  }
}

function compile(sources: readonly PolicySource[]): Policy {
  const total = sources.reduce((length, { text }) => length + text.length, 0);
  if (total > limits.totalLength) {
    throw invalid(`The policy is longer than ${limits.totalLength} characters; take rules out.`);
  }
  const taken = new Map<string, string>();
  const packs = sources.map((source) => readPack(source, taken));
  const rules = packs.flatMap((pack) => pack.rules);
  if (rules.length === 0)
    throw invalid(`${nameAll(sources)}: there is no rule; a policy needs at least one.`);
  if (rules.length > limits.rules) throw invalid(`There are more than ${limits.rules} rules; take some out.`);
  const plaintext = packs.flatMap((pack) => pack.plaintext);
  if (plaintext.length > limits.plaintextRules)
    throw invalid(`There are more than ${limits.plaintextRules} rules on plaintext; join some.`);
  const labels = packs.flatMap((pack) => pack.labels);
  if (labels.length > limits.labels) throw invalid(`There are more than ${limits.labels} labels; join some.`);
  const constants = new Set(packs.flatMap((pack) => pack.constants));
  if (constants.size > limits.constants)
    throw invalid(`There are more than ${limits.constants} constants; take some out.`);
  const index = new RuleIndex(rules);
  const enforces = rules.some(({ shadow }) => !shadow);
  return Object.freeze<Policy>({
    id: packs.map((pack) => pack.name).join('+'),
    digest: digestOf(sources),
    engine,
    reads: new Set(rules.flatMap(({ reads }) => [...reads])),
    constants,
    labelOf: labelsOf(labels),
    decide: enforces ? (input) => decide(index, input) : (input) => decideInShadow(index, input),
    // Where nothing is enforced everything runs.
    ...(enforces && { couldAllow: (known: KnownInput) => couldAllowAmong(index, known) }),
    plaintextOf: plaintextRules(plaintext),
  });
}

/**
 * Hex SHA-256 over, for each source in order, the length of its UTF-8 text (8 bytes, big-endian) and the text. Names of
 * files are left out: the same rules have the same digest wherever they lie.
 */
export function digestOf(sources: readonly PolicySource[]): string {
  return hex(
    sha256(
      concatBytes(
        ...sources.flatMap(({ text }) => {
          const bytes = utf8(text);
          const length = new Uint8Array(8);
          new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length));
          return [length, bytes];
        }),
      ),
    ),
  );
}

function nameAll(sources: readonly PolicySource[]): string {
  return sources.map(({ name }) => name).join(', ') || 'No policy file was given';
}

function invalid(message: string): CountersignError {
  return new CountersignError('POLICY_INVALID', message);
}
