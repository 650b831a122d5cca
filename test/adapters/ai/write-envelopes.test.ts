import * as ai7 from 'ai';
import * as ai6 from 'ai-v6';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  governTools,
  writeEnvelopes,
  type EnvelopeData,
  type EnvelopeWriter,
} from '../../../adapters/ai/index.ts';
import type { GovernedEnd } from '../../../src/client/governed.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import { metaKeys } from '../../../src/names.ts';
import { denyEverything } from '../../gate/harness.ts';
import { openWorld } from '../world.ts';
import { all, modelOf6, modelOf7 } from './scripted-model.ts';

const calls = [{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }];
const input = z.object({ text: z.string() });
const execute = ({ text }: { text: string }) => ({ added: text });
const failing = (): never => {
  throw new Error('the password of the database is wrong');
};

type Message7 = ai7.UIMessage<unknown, { countersign: EnvelopeData }>;
type Message6 = ai6.UIMessage<unknown, { countersign: EnvelopeData }>;

function optionsOf(gate: GateClient, writer: EnvelopeWriter, ends: GovernedEnd[]) {
  const write = writeEnvelopes(writer);
  const onEnd = (end: GovernedEnd): void => {
    ends.push(end);
    write(end);
  };
  return { gate, server: 'office', onEnd };
}

const versions = [
  {
    name: 'AI SDK 6',
    stream: (gate: GateClient, run: typeof execute, ends: GovernedEnd[]) =>
      ai6.createUIMessageStream<Message6>({
        execute({ writer }) {
          const add_note = ai6.tool({ inputSchema: input, execute: run });
          const { tools } = governTools({ add_note }, optionsOf(gate, writer, ends));
          const result = ai6.streamText({ model: modelOf6(calls), tools, prompt: 'Go.' });
          writer.merge(result.toUIMessageStream<Message6>());
        },
      }),
  },
  {
    name: 'AI SDK 7',
    stream: (gate: GateClient, run: typeof execute, ends: GovernedEnd[]) =>
      ai7.createUIMessageStream<Message7>({
        execute({ writer }) {
          const add_note = ai7.tool({ inputSchema: input, execute: run });
          const governed = governTools({ add_note }, optionsOf(gate, writer, ends));
          const { stream } = ai7.streamText({ model: modelOf7(calls), ...governed, prompt: 'Go.' });
          writer.merge(ai7.toUIMessageStream({ stream }));
        },
      }),
  },
];

describe.each(versions)('writeEnvelopes, in $name', ({ stream }) => {
  it('writes both envelopes of a call beside its result: together they are the evidence', async () => {
    const { gate, close } = await openWorld();
    const ends: GovernedEnd[] = [];
    const chunks = await all<{ type: string; output?: unknown; data?: EnvelopeData }>(
      stream(gate, execute, ends),
    );
    const output = chunks.find(({ type }) => type === 'tool-output-available')?.output;
    const part = chunks.find(({ type }) => type === 'data-countersign');
    expect(part?.data).toMatchObject({ tool: 'add_note', toolCallId: 'call_1', kind: 'done' });
    const [end] = ends;
    const evidence: unknown = end?.ended.kind === 'done' ? JSON.parse(end.ended.evidence) : undefined;
    const { callId, _meta } = part?.data ?? {};
    expect({ callId, result: output, _meta }).toEqual(evidence);
    await close();
  });

  it('writes the signed denial of a call that was refused', async () => {
    const { gate, close } = await openWorld({ decide: denyEverything });
    const chunks = await all<{ type: string; data?: EnvelopeData }>(stream(gate, execute, []));
    const part = chunks.find(({ type }) => type === 'data-countersign');
    expect(part?.data).toMatchObject({
      kind: 'denied',
      _meta: {
        [metaKeys.denial]: { code: 'NO_RULE_ALLOWS' },
        [metaKeys.envelope]: { verdict: { dsseEnvelope: {} } },
      },
    });
    await close();
  });

  it('tells the UI nothing of the error of a tool', async () => {
    const { gate, close } = await openWorld();
    const chunks = await all<{ type: string; data?: EnvelopeData }>(stream(gate, failing, []));
    const part = chunks.find(({ type }) => type === 'data-countersign');
    expect(part?.data?.kind).toBe('failed');
    expect(JSON.stringify(part)).not.toContain('password');
    await close();
  });
});
