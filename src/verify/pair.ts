import { hex } from '../call/sha256.ts';
import { clockTolerance } from './limits.ts';
import type { Failure, VerifyCode } from './codes.ts';
import type { VerifiedEntry } from './entry.ts';
import type { OutcomeFacts, VerdictFacts } from './predicates.ts';

/** What a pair's check needs of a verified statement. */
export type PairSide = Pick<VerifiedEntry, 'place' | 'sha256'> & {
  readonly signer: Pick<VerifiedEntry['signer'], 'identity'>;
  readonly stamp: Pick<VerifiedEntry['stamp'], 'time'>;
  readonly statement: Pick<VerifiedEntry['statement'], 'subject'>;
  readonly facts: Pick<VerdictFacts, 'kind' | 'callId' | 'decidedAt' | 'settleBy'> | OutcomeFacts | undefined;
};

/**
 * What is wrong between a verdict and the outcome that came with it; empty when they are of one call, one trust domain,
 * one log, and in order. Both were verified, each by itself.
 */
export function verifyPair(verdict: PairSide, outcome: PairSide): readonly Failure[] {
  const failures: Failure[] = [];
  const expect = (holds: boolean, field: string, message: string): void => {
    if (!holds) failures.push({ code: 'PAIR_MISMATCH', field, message });
  };
  const [said, did] = [verdict.facts, outcome.facts];
  if (said === undefined || said.kind === 'outcome' || did?.kind !== 'outcome') {
    expect(false, 'predicateType', 'These are not a verdict and an outcome.');
    return failures;
  }
  const reference = did.verdict;
  expect(
    trustDomain(verdict) === trustDomain(outcome),
    'identity',
    'They were signed in different trust domains.',
  );
  expect(said.callId === did.callId, 'callId', 'They are of different calls.');
  expect(sameSubject(verdict, outcome), 'subject', 'They are about different actions.');
  expect(reference.sha256 === verdict.sha256, 'verdict.sha256', 'The outcome is of another verdict.');
  expect(reference.logIndex === verdict.place.index, 'verdict.logIndex', 'The outcome names another entry.');
  expect(
    verdict.place.log.origin === outcome.place.log.origin,
    'verdict.logIndex',
    'They stand in different logs.',
  );
  // The tree that the outcome names existed when the outcome was signed: the one stands in it, the other cannot.
  expect(
    reference.logIndex < reference.treeSize,
    'verdict.treeSize',
    'The verdict was not in the tree that it names.',
  );
  expect(
    reference.treeSize <= outcome.place.index,
    'verdict.treeSize',
    'The outcome was logged before its verdict.',
  );
  expect(
    verdict.stamp.time <= outcome.stamp.time + clockTolerance,
    'timestamp',
    'The outcome was stamped before its verdict.',
  );
  expect(
    said.decidedAt <= (did.startedAt ?? did.finishedAt) + clockTolerance,
    'startedAt',
    'The call began before it was decided.',
  );
  expect(said.kind !== 'deny', 'verdict', 'What was denied has no outcome.');
  const contradiction = wrongObserver(said.settleBy !== undefined, did);
  expect(contradiction === undefined, 'observedBy', contradiction ?? '');
  return [...failures, ...verifyOneTree([verdict, outcome])];
}

/**
 * Why an outcome cannot have been seen by whom it says. Of a call that its caller carried out the gate knows by itself only that it
 * heard nothing, or that it never gave the call out; of one that it dispatched itself, no caller has anything to tell it.
 */
function wrongObserver(delegated: boolean, { observedBy, outcome }: OutcomeFacts): string | undefined {
  const ran = outcome === 'executed' || outcome === 'failed';
  if (delegated && observedBy === 'gate' && ran)
    return 'The caller carried the call out, so the gate cannot have seen that it ran.';
  if (!delegated && observedBy === 'caller')
    return 'The gate carried the call out, so its caller cannot have told it what came of it.';
  return undefined;
}

/**
 * What shows that several envelopes are not of one tree: two heads of one size with different roots, or two statements
 * under one index. It finds what the envelopes themselves prove; heads of different sizes need a consistency proof.
 */
export function verifyOneTree(
  envelopes: readonly Pick<PairSide, 'place' | 'sha256' | 'facts'>[],
): readonly Failure[] {
  const seen = new Map<string, string>();
  const failures: Failure[] = [];
  const note = (key: string, value: string, code: VerifyCode, message: string): void => {
    const before = seen.get(key);
    if (before !== undefined && before !== value) failures.push({ code, field: key, message });
    seen.set(key, before ?? value);
  };
  for (const { place, sha256, facts } of envelopes) {
    // A log that gets another key keeps its origin and its tree: two keys must not show two trees either.
    const { origin } = place.log;
    const forked = `The log ${origin} has two roots for one size: it shows different trees to different readers.`;
    note(`${origin} size ${place.treeSize}`, hex(place.rootHash), 'TREE_MISMATCH', forked);
    note(
      `${origin} index ${place.index}`,
      sha256,
      'TREE_MISMATCH',
      `The log ${origin} has two entries under one index.`,
    );
    if (facts?.kind === 'outcome') {
      note(`${origin} size ${facts.verdict.treeSize}`, facts.verdict.rootHash, 'TREE_MISMATCH', forked);
    }
  }
  return failures;
}

function trustDomain({ signer }: PairSide): string {
  return signer.identity.split('/')[2] ?? '';
}

function sameSubject(a: PairSide, b: PairSide): boolean {
  return a.statement.subject[0]?.sha256 === b.statement.subject[0]?.sha256;
}
