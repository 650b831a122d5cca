/**
 * An agent of the AI SDK that may give money back, up to a limit that it does not set itself. Two customers ask; each verdict is
 * signed, logged, and verified with `countersign verify`.
 */
import type { GovernToolsOptions } from '../../adapters/ai/index.ts';
import { connectGate } from '../../src/index.ts';
import { supportAgent } from './agent.ts';
import { startGateway } from '../gateway.ts';
import { model } from './model.ts';

type End = Parameters<NonNullable<GovernToolsOptions['onEnd']>>[0];

const gateway = await startGateway(new URL('.', import.meta.url));
try {
  const ends: End[] = [];
  const gate = connectGate({ url: gateway.url, apiKey: gateway.apiKey });
  const agent = supportAgent(model, { gate, onEnd: (end) => void ends.push(end) });

  for (const prompt of ['20 euros of order A7, please.', '400 euros of order B2, please.']) {
    console.log(`customer  ${prompt}`);
    const { text } = await agent.generate({ prompt });
    console.log(`agent     ${text}`);
    await verifyAll(ends.splice(0));
  }
} finally {
  await gateway.close();
}

async function verifyAll(ends: readonly End[]): Promise<void> {
  for (const { tool, ended } of ends) {
    const evidence = 'evidence' in ended ? ended.evidence : undefined;
    if (evidence === undefined) throw new Error(`Nothing is signed of the call of ${tool}.`);
    const expected = ended.kind === 'done' ? 'executed' : 'deny';
    if (!(await gateway.verify(evidence, expected))) throw new Error(`shop/${tool} does not verify.`);
    console.log(`          shop/${tool}: countersign verify --expect ${expected}\n`);
  }
}
