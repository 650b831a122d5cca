import type { Notice } from '../../gate/parts.ts';

export const cloudEventMediaType = 'application/cloudevents+json; charset=utf-8';

/** What of a call a notice says, as an event that whoever gets it twice knows by `source` and `id`. */
const eventType = 'dev.countersign.outcome';

/**
 * A notice as a CloudEvents 1.0 JSON document. The envelopes are bundles, as JSON text already: they are put in as they are.
 *
 * @param source A URI of the gate.
 * @param time Wall milliseconds.
 */
export function cloudEventOf({ envelopes, ...notice }: Notice, source: string, time: number): string {
  const { callId, server, tool, rule } = notice;
  const attributes = JSON.stringify({
    specversion: '1.0',
    type: eventType,
    source,
    id: `${callId}/${rule}`,
    time: new Date(time).toISOString(),
    subject: `${server}/${tool}`,
    datacontenttype: 'application/json',
  });
  const bundles = `{"verdict":${envelopes.verdict},"outcome":${envelopes.outcome}}`;
  const data = `${JSON.stringify(notice).slice(0, -1)},"envelopes":${bundles}}`;
  return `${attributes.slice(0, -1)},"data":${data}}`;
}
