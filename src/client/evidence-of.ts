import { fromUtf8 } from '../call/bytes.ts';
import type { CallEnvelopes } from '../gate/gate.ts';
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
