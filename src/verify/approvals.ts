import type { ApprovalFacts, ApprovalTerms, GrantFacts, StatedApprovals } from './approval-facts.ts';
import { fail } from './codes.ts';
import { clockTolerance } from './limits.ts';
import { requirePasskey } from './passkey.ts';

/** What an approval is compared with: the verdict that states it. */
export interface ApprovedVerdict {
  readonly approvals?: StatedApprovals;
  readonly decidedAt: number;
  /** The person for whom the call is made, where the statement says who that is. */
  readonly human?: string;
  readonly humanIssuer?: string;
}

const code = 'APPROVAL_INVALID';
const root = 'payload.predicate.approvals';

/**
 * Each obligation to have the call approved must be met by one approval under exactly its terms, and nothing else may be stated.
 * Fails with APPROVAL_MISSING, or with APPROVAL_INVALID for one that does not hold.
 */
export async function requireApproved(verdict: ApprovedVerdict): Promise<void> {
  const { demanded, given } = verdict.approvals ?? { demanded: [], given: [] };
  const [wanted, stated] = [demanded, given].map((each) => new Set(each.map(textOf))) as [
    Set<string>,
    Set<string>,
  ];
  for (const { rule } of demanded.filter((terms) => !stated.has(textOf(terms))))
    fail('APPROVAL_MISSING', root, `The rule ${rule} demands an approval, and the verdict states none.`);
  const isSingle = stated.size === given.length && new Set(given.map(({ id }) => id)).size === given.length;
  if (!isSingle || given.some((approval) => !wanted.has(textOf(approval))))
    fail(code, root, 'An approval is stated that nothing demands, or one twice.');
  for (const [i, approval] of given.entries()) await requireValid(approval, verdict, `${root}[${i}]`);
}

function textOf({ rule, from, count, within, by }: ApprovalTerms): string {
  return JSON.stringify([rule, from, count, within, by]);
}

async function requireValid(approval: ApprovalFacts, verdict: ApprovedVerdict, path: string): Promise<void> {
  const { grants, count, expiresAt } = approval;
  const different = new Set(
    grants.map(({ by }) => JSON.stringify(by === 'operator' ? by : [by.issuer, by.subject])),
  );
  if (different.size !== grants.length || different.size < count)
    fail(code, path, `It has to be given by ${count} different persons.`);
  if (verdict.decidedAt >= expiresAt) fail(code, path, 'It had expired when the call was decided.');
  for (const [i, grant] of grants.entries()) {
    const at = `${path}.grants[${i}]`;
    requireTimely(grant, approval, verdict, at);
    requireEntitled(grant, approval, verdict, at);
    await requireMethod(grant, approval, at);
  }
}

function requireTimely(
  { at: given }: GrantFacts,
  { requestedAt, expiresAt }: ApprovalFacts,
  { decidedAt }: ApprovedVerdict,
  path: string,
): void {
  // Several gates have several clocks; the end is exact.
  const early = given < requestedAt - clockTolerance;
  if (early || given > decidedAt + clockTolerance || given >= expiresAt)
    fail(code, `${path}.at`, 'It was not given between the request and the call.');
}

function requireEntitled(
  { by, as }: GrantFacts,
  { from, count }: ApprovalFacts,
  { human, humanIssuer }: ApprovedVerdict,
  path: string,
): void {
  if (!from.includes(as)) fail(code, `${path}.as`, 'The rule names nobody of that kind.');
  if (by === 'operator') {
    // Whoever runs commands on a home is nobody in particular, and never two.
    if (as !== 'operator' || count !== 1) fail(code, `${path}.by`, 'An operator is no role and no quorum.');
    return;
  }
  const isSubject = as.startsWith('subject:') && as !== `subject:${by.subject}`;
  if (as === 'operator' || isSubject)
    fail(code, `${path}.as`, 'The person is not the one whom the rule names.');
  if (by.subject === human && by.issuer === humanIssuer)
    fail(code, `${path}.by`, 'The person for whom the call is made has approved it.');
}

async function requireMethod(
  { by, method, assertion }: GrantFacts,
  { by: demanded, request }: ApprovalFacts,
  path: string,
): Promise<void> {
  const isTerminal = method === 'terminal';
  if (isTerminal !== (by === 'operator') || (demanded === 'passkey' && method !== 'passkey'))
    fail(code, `${path}.method`, 'It was not given in the way that the rule demands.');
  if ((method === 'passkey') !== (assertion !== undefined))
    fail(code, `${path}.assertion`, 'There is a passkey’s signature without a passkey, or none with one.');
  if (assertion !== undefined) await requirePasskey(assertion, request.sha256, `${path}.assertion`);
}
