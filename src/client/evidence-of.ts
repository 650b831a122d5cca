import { fromUtf8 } from '../call/bytes.ts';
import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { metaKeys } from '../names.ts';
import type { Told } from './request-bytes.ts';

/** A settled call as a file that `countersign verify` takes. The bundles are JSON text already. */
export function evidenceOf(callId: string, told: Told | undefined, envelopes: CallEnvelopes): string {
  const { verdict, outcome = 'null', openings } = envelopes;
  const id = JSON.stringify(callId);
  if (told === undefined) return `{"callId":${id},"verdict":${verdict},"outcome":${outcome}}`;
  const bundles = `{"verdict":${verdict},"outcome":${outcome},"openings":${JSON.stringify(openings)}}`;
  const content = `${JSON.stringify(told.name)}:${fromUtf8(told.bytes) ?? 'null'}`;
  return `{"callId":${id},${content},"_meta":{${JSON.stringify(metaKeys.envelope)}:${bundles}}}`;
}

/** A denied call as such a file; undefined where nothing was signed. */
export function evidenceOfDenial(
  callId: string,
  denial: Denial,
  envelopes: CallEnvelopes | undefined,
): string | undefined {
  if (envelopes === undefined) return undefined;
  const { verdict, outcome, openings } = envelopes;
  // An ALLOW that came to nothing is no DENY: both of its envelopes, and nothing that could be bound.
  if (outcome !== undefined)
    return `{"callId":${JSON.stringify(callId)},"verdict":${verdict},"outcome":${outcome}}`;
  const why = JSON.stringify(denial);
  const bundles = `{"verdict":${verdict},"openings":${JSON.stringify(openings)}}`;
  const meta = `{${JSON.stringify(metaKeys.denial)}:${why},${JSON.stringify(metaKeys.envelope)}:${bundles}}`;
  return `{"callId":${JSON.stringify(callId)},"decision":"DENY","denial":${why},"_meta":${meta}}`;
}
