import type { Call, ToolStanding } from '../../call/call.ts';
import { newSalt } from '../../call/commitment.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import { randomBytes } from '../../call/random.ts';
import { base64, fromBase64 } from '../../call/sha256.ts';
import type { Principal } from '../../identity/principal.ts';
import type { ApprovalTerms, PendingApproval } from './approval.ts';
import { contentOf, digestOf, requestDocument, type ApprovedContent } from './request-document.ts';

/** A call as somebody would approve it. */
export interface AskedCall {
  readonly callId: string;
  /** All that a request is bound to, except what the arguments are. */
  readonly bound: Pick<
    PendingApproval,
    'tenant' | 'agent' | 'human' | 'server' | 'tool' | 'definition' | 'policy'
  >;
  readonly content: ApprovedContent;
}

export function askedCall(
  call: Call,
  { tenant, agent, human }: Principal,
  standing: ToolStanding,
  policyDigest: string,
): AskedCall {
  const { issuer, subject } = human?.verified === true ? human.value : nobody;
  return {
    callId: call.id,
    content: contentOf(call),
    bound: {
      tenant,
      agent: { id: agent.value.id, issuer: agent.value.issuer },
      ...(human?.verified === true && { human: { issuer, subject } }),
      server: { name: call.server.name, digest: call.server.digest },
      tool: call.tool,
      ...(standing.kind === 'listed' && { definition: standing.definition.sha256 }),
      policy: policyDigest,
    },
  };
}

const nobody = { issuer: '', subject: '' };

/** The request that was made for exactly this call under exactly these terms, and has not expired. */
export function findRequest(
  open: readonly PendingApproval[],
  asked: AskedCall,
  terms: ApprovalTerms,
  now: number,
): PendingApproval | undefined {
  const wanted = textOf(asked.bound, terms);
  return open.find(
    (request) =>
      now < request.expiresAt && textOf(request, request.terms) === wanted && isAbout(request, asked.content),
  );
}

/** Whether the request's document, made anew with this content, is the one that was asked about. */
export function isAbout(request: PendingApproval, content: ApprovedContent): boolean {
  const salt = fromBase64(request.document.salt);
  return salt !== undefined && digestOf(requestDocument(request, salt, content)) === request.document.sha256;
}

export function newRequest(
  { callId, bound, content }: AskedCall,
  terms: ApprovalTerms,
  now: number,
): PendingApproval {
  const salt = newSalt();
  const request = { id: newId(), ...bound, terms, requestedAt: now, expiresAt: now + terms.within };
  return {
    ...request,
    callId,
    document: {
      sha256: digestOf(requestDocument(request, salt, content)),
      salt: base64(salt),
      covers: content.params === undefined ? 'arguments' : 'params',
    },
    grants: [],
  };
}

/** Cheaper than the digest, which has to hold all the same. */
function textOf({ agent, human, server, ...rest }: AskedCall['bound'], terms: ApprovalTerms): string {
  return canonicalJson([
    [rest.tenant, agent.id, agent.issuer, human?.issuer ?? null, human?.subject ?? null],
    [server.name, server.digest, rest.tool, rest.definition ?? null, rest.policy],
    [terms.rule, [...terms.from], terms.count, terms.within, terms.by],
  ]);
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** 80 bits: for people to type, and never the same twice. It is no secret. */
function newId(): string {
  return Array.from(randomBytes(16), (byte) => alphabet[byte & 31]).join('');
}
