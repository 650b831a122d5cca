import { isRevocationCode } from '../call/revocation-code.ts';
import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { metaKeys } from '../names.ts';
import type { Execution } from '../targets/target.ts';

/** One of our members beside a result: a key of `metaKeys` and its value, as JSON text without a line feed. */
export interface MetaMember {
  readonly key: string;
  readonly json: string;
}

/** The envelopes of a call. Its bundles are JSON text already and are not parsed again. */
export function envelopeMember({ verdict, outcome, openings }: CallEnvelopes): MetaMember {
  const bundles =
    outcome === undefined ? `"verdict":${verdict}` : `"verdict":${verdict},"outcome":${outcome}`;
  return { key: metaKeys.envelope, json: `{${bundles},"openings":${JSON.stringify(openings)}}` };
}

/** A refusal, for machines. */
export function denialMember({ code, rule, message, retryable }: Denial): MetaMember {
  const json = JSON.stringify({ code, ...(rule !== undefined && { rule }), message, retryable });
  return { key: metaKeys.denial, json };
}

/** The members as one JSON object. */
export function objectOf(members: readonly MetaMember[]): string {
  return `{${members.map(({ key, json }) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}

/** How a caller is told that an execution gave no answer. */
export function denialOfExecution({ code, message, outcome }: Extract<Execution, { kind: 'none' }>): Denial {
  // A fork does not pass by itself, and what was revoked is not given back by asking again.
  const lasts = code === 'LOG_FORKED' || (isRevocationCode(code) && code !== 'REVOCATIONS_UNREADABLE');
  return { code, message, retryable: outcome === 'aborted' && !lasts };
}
