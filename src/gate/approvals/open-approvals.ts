import type { Call } from '../../call/call.ts';
import { isJsonObject, type JsonObject } from '../../call/json.ts';
import { parseJson } from '../../call/json-scan.ts';
import { CountersignError } from '../../errors.ts';
import type { Ledger, SideRow } from '../../ledger/ledger.ts';
import { stateOf, type PendingApproval } from './approval.ts';
import { approvalPrefix, approvalsOf, parseApprovals } from './approval-heads.ts';
import { mayKnow, unknown, type Approver } from './approvers.ts';
import { isAbout } from './open-requests.ts';
import { contentOf, type ApprovedContent } from './request-document.ts';

type Reads = Pick<Ledger, 'headsUnder'>;

/** Every request of a home that has not expired, the oldest first: for whoever runs commands on it. */
export async function openApprovals(ledger: Reads, now: number): Promise<readonly PendingApproval[]> {
  const all = parseApprovals(await ledger.headsUnder(approvalPrefix));
  return all.filter((approval) => stateOf(approval, now) !== 'expired');
}

/** Those of them that this person may answer. */
export async function approvalsFor(
  ledger: Reads,
  approver: Approver,
  now: number,
): Promise<readonly PendingApproval[]> {
  const all = parseApprovals(await ledger.headsUnder(approvalsOf(approver.tenant)));
  return all.filter((approval) => stateOf(approval, now) !== 'expired' && mayKnow(approval, approver));
}

/** @throws CountersignError `NOT_FOUND` for one that is not among them. */
export function approvalById(approvals: readonly PendingApproval[], id: string): PendingApproval {
  const found = approvals.find((approval) => approval.id === id);
  if (found === undefined) throw unknown();
  return found;
}

/**
 * What the request is about, from what the denied call left beside the log: exactly what the request's digest stands for, or
 * undefined where it was not kept, was erased, or is not that.
 */
export async function contentOfApproval(
  ledger: Pick<Ledger, 'side'>,
  approval: PendingApproval,
): Promise<ApprovedContent | undefined> {
  const rows = await ledger.side(approval.callId);
  const [action, params] = [parsed(rows, 'action'), parsed(rows, 'params')];
  const held = action?.['arguments'];
  const given = isJsonObject(held) ? held : undefined;
  return [
    given && { arguments: given },
    ...[given, argumentsWithin(params)].map((each) => each && params && whole(approval, each, rows)),
    params && whole(approval, params, rows),
  ].find((content) => content !== undefined && isAbout(approval, content));
}

/** `undefined` for a row that is not kept, and for one that is no JSON object. */
function parsed(rows: readonly SideRow[], name: string): JsonObject | undefined {
  const bytes = rows.find((row) => row.name === name)?.value;
  if (bytes === undefined) return undefined;
  try {
    const { value } = parseJson(bytes).root;
    return isJsonObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}

function argumentsWithin(params: JsonObject | undefined): JsonObject | undefined {
  const held = params?.['arguments'];
  return isJsonObject(held) ? held : undefined;
}

function whole(
  { server, tool }: PendingApproval,
  given: JsonObject,
  rows: readonly SideRow[],
): ApprovedContent | undefined {
  const params = rows.find(({ name }) => name === 'params')?.value;
  const call: Pick<Call, 'params' | 'arguments' | 'server' | 'tool'> | undefined = params && {
    params,
    arguments: given,
    server,
    tool,
  };
  return call && contentOf(call);
}
