import { describe, expect, it } from 'vitest';
import { createDeclaredDirectory } from '../../../src/gate/declared-tools.ts';
import { createGates } from '../../../src/gate/create-gate.ts';
import type { Decision } from '../../../src/policy/policy.ts';
import type { Execution } from '../../../src/targets/target.ts';
import { executed } from '../../../src/gate/reported.ts';
import { createMetrics } from '../../../src/runtime/serve/metrics.ts';
import { observedGates } from '../../../src/runtime/serve/observed-gates.ts';
import { allowEverything, answer, countingTarget, denyEverything, harness } from '../../gate/harness.ts';

const server = { name: 'things', digest: 'c'.repeat(64) };
const definition = { sha256: 'e'.repeat(64), accepted: true, declaredProperties: [] };

async function observed(logSize: () => Promise<number> = () => Promise.resolve(7)) {
  let decide: () => Decision = allowEverything;
  const { parts, apiKey, call } = await harness({ decide: () => decide() });
  const metrics = createMetrics(
    { logSize, requestsInFlight: () => 3, openStreams: () => 2 },
    { version: '1.2.3', mode: 'isolated' },
  );
  const gates = observedGates(createGates(parts), metrics.gate);
  const gate = gates.under(createDeclaredDirectory(server, new Map([['look', definition]])));
  const run = async (
    execution = answer,
    tool = 'look',
    key = apiKey,
    how: () => Decision = allowEverything,
  ) => {
    decide = how;
    const asked = { ...call(tool, {}), server };
    const result = await gate.run(
      asked,
      { apiKey: key },
      countingTarget(execution),
      new AbortController().signal,
    );
    return { id: asked.id, result };
  };
  const text = async (): Promise<string> => (await metrics.render()).text;
  const asked = () => ({ ...call('look', {}), server });
  return { metrics, gate, gates, run, text, apiKey, asked };
}

describe('metrics', () => {
  it('count verdicts and outcomes by code, and time them', async () => {
    const { run, text, apiKey } = await observed();
    await run();
    await run();
    await run({ kind: 'none', outcome: 'unknown', code: 'UPSTREAM_GONE', message: 'Gone.' });
    await run(answer, 'look', apiKey, denyEverything);
    await run(answer, 'look', 'cs_wrong');
    const seen = await text();
    for (const line of [
      'countersign_decisions_total{server="things",verdict="ALLOW",code="RULE_ALLOWS"} 3',
      'countersign_decisions_total{server="things",verdict="DENY",code="NO_RULE_ALLOWS"} 1',
      'countersign_decisions_total{server="things",verdict="DENY",code="API_KEY_MALFORMED"} 1',
      'countersign_decide_seconds_count{verdict="ALLOW"} 3',
      'countersign_outcomes_total{server="things",outcome="executed",code="OK"} 2',
      'countersign_outcomes_total{server="things",outcome="unknown",code="UPSTREAM_GONE"} 1',
      'countersign_execute_seconds_count{server="things"} 3',
      'countersign_calls_in_flight 0',
    ])
      expect(seen).toContain(`${line}\n`);
  });

  it('count an outcome that comes later when it comes', async () => {
    const { gate, run, text } = await observed();
    const { id } = await run({ ...answer, pending: true } as Execution);
    expect(await text()).toContain('outcome="pending",code="OK"} 1\n');
    await gate.settleLater(id, answer);
    expect(await text()).toContain('outcome="executed",code="OK"} 1\n');
  });

  it('count calls that their callers carry out, and what they say came of them', async () => {
    const { gate, gates, text, apiKey, asked } = await observed();
    const credentials = { apiKey };
    const call = asked();
    const delegated = await gate.delegate(call, credentials);
    if (delegated.kind !== 'delegated') throw new Error('It was denied.');
    await gates.report(call.id, delegated.permit.handle, credentials, executed());
    const seen = await text();
    expect(seen).toContain('verdict="ALLOW",code="RULE_ALLOWS"} 1\n');
    expect(seen).toContain('outcome="executed",code="OK"} 1\n');
    expect(seen).toContain('countersign_calls_in_flight 0\n');
  });

  it('never name what a caller has written', async () => {
    const { run, text, metrics } = await observed();
    await run(answer, 'tool-of-their-making');
    metrics.onAnswer({ route: '/actions/:name', status: 403, code: 'NO_RULE_ALLOWS', seconds: 0.1 });
    metrics.onRefused('GATE_BUSY');
    const seen = await text();
    expect(seen).not.toContain('their-making');
    expect(seen).toContain('countersign_http_refusals_total{code="GATE_BUSY"} 1\n');
    expect(seen).toContain('countersign_http_seconds_count{route="/actions/:name",status="403"} 1\n');
  });

  it('tell what runs, how large the log is, and how busy it is', async () => {
    const { text } = await observed();
    const seen = await text();
    expect(seen).toMatch(/^countersign_build_info\{version="1.2.3",mode="isolated",node="24[.\d]+"\} 1$/m);
    for (const line of ['countersign_log_entries 7', 'countersign_http_in_flight 3', 'countersign_streams 2'])
      expect(seen).toContain(`${line}\n`);
    expect(seen).toContain('process_resident_memory_bytes');
  });

  it('leave out the size of a log that cannot be read, rather than calling it empty', async () => {
    const { text } = await observed(() => Promise.reject(new Error('locked')));
    expect(await text()).not.toMatch(/^countersign_log_entries /m);
  });
});
