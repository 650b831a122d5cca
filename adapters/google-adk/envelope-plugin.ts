import type { BasePlugin, Context, Event } from '@google/adk';
import type { JsonObject } from '../../src/adapter.ts';
import { peer } from '../shared/peer.ts';

const adk = await peer('google-adk', '@google/adk', () => import('@google/adk'));

type Session = Context['invocationContext']['session'];

/** What governed tools have left for their run's events, by the function call's id. */
const left = new WeakMap<Session, Map<string, JsonObject>>();

/** Leaves a call's envelopes for the event that will hold its response. */
export function leaveEnvelopes({ invocationContext, functionCallId }: Context, meta: JsonObject): void {
  if (functionCallId === undefined) return;
  const { session } = invocationContext;
  left.set(session, (left.get(session) ?? new Map<string, JsonObject>()).set(functionCallId, meta));
}

/**
 * Puts the envelopes of governed calls into the `customMetadata` of the event that holds the responses, as
 * `{countersign: {FUNCTION_CALL_ID: {'dev.countersign/envelope', 'dev.countersign/denial'?}}}`. Sessions store it; models do not
 * see it. It gates nothing: ADK's callbacks cannot (docs/google-adk.md).
 *
 * @example new InMemoryRunner({ agent, plugins: [envelopePlugin()] })
 */
export function envelopePlugin(): BasePlugin {
  return new EnvelopePlugin('countersign');
}

class EnvelopePlugin extends adk.BasePlugin {
  /** Changes the event and returns nothing: what returns something keeps later plugins from being called. */
  override onEventCallback({ invocationContext, event }: EventSeen): Promise<undefined> {
    const waiting = left.get(invocationContext.session);
    const taken = responseIds(event).flatMap((id) => {
      const meta = waiting?.get(id);
      waiting?.delete(id);
      return meta === undefined ? [] : [[id, meta] as const];
    });
    if (taken.length > 0) {
      event.customMetadata = { ...event.customMetadata, countersign: Object.fromEntries(taken) };
    }
    return Promise.resolve(undefined);
  }
}

type EventSeen = Parameters<BasePlugin['onEventCallback']>[0];

function responseIds({ content }: Event): string[] {
  return (content?.parts ?? []).flatMap(({ functionResponse }) => functionResponse?.id ?? []);
}
