import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runClosed } from '../../src/gateway/mcp-stdio-closed.ts';
import { conversations, denialKey, hangCall, sayCall } from '../support/conversation.ts';

const wrap = conversations();

/** Two seconds by the gateway's own timers; what a loaded machine adds to them is not its doing. */
const soon = 15_000;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

describe('when the client closes its end', () => {
  it('the exit code is the one of the server', async () => {
    const client = wrap({ flags: ['--exit', '5'] });
    await client.sync();
    client.leave();
    expect(await client.end).toEqual({ exitCode: 5, signal: null });
    expect(client.gate.isClosed).toBe(true);
  });

  it('everything is over soon, also with a server that ignores SIGTERM', async () => {
    const client = wrap({ flags: ['--stay', '--ignore-sigterm'] });
    await client.sync();
    const took = await milliseconds(() => {
      client.leave();
      return client.end;
    });
    expect(took).toBeLessThan(soon);
    expect(await client.end).toEqual({ exitCode: 137, signal: 'SIGKILL' });
    expect(client.reached()).toMatch(/EOF\nSIGTERM\n$/);
  });

  it('a call that hangs is settled as unknown before the end', async () => {
    const client = wrap({ flags: ['--stay', '--ignore-sigterm'] });
    client.send(`${hangCall(1)}\n`);
    await client.sync();
    const took = await milliseconds(() => {
      client.leave();
      return client.end;
    });
    expect(took).toBeLessThan(soon);
    expect([...client.gate.outcomes.values()]).toMatchObject([{ outcome: 'unknown' }]);
    expect(client.gate.isClosed).toBe(true);
  });

  it('calls that are under way still get their answers', async () => {
    const client = wrap();
    // A server that has not started yet when its client leaves may have no time left to answer.
    await client.sync();
    client.send(`${sayCall(1, '{"jsonrpc":"2.0","id":$ID,"result":{"late":true}}\n')}\n`);
    client.leave();
    await client.end;
    expect(client.received()).toContain('"late":true');
  });

  it('by breaking the pipe, that is an end like any other', async () => {
    const client = wrap({ flags: ['--exit', '5'] });
    await client.sync();
    client.vanish();
    expect(await client.end).toEqual({ exitCode: 5, signal: null });
    expect(client.gate.isClosed).toBe(true);
  });

  it('a message without its line feed is not acted on', async () => {
    const client = wrap();
    await client.sync();
    client.send(sayCall(1, 'half'));
    client.leave();
    await client.end;
    expect(client.gate.calls).toEqual([]);
    expect(client.reached()).not.toContain('half');
  });
});

describe('when the server ends', () => {
  it('by itself, so does the gateway, with its exit code, and open requests are answered', async () => {
    const client = wrap();
    client.send(`{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{"taskId":"x","say":[]}}\n`);
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"die","arguments":{}}}\n');
    expect(await client.end).toEqual({ exitCode: 9, signal: null });
    expect((await client.answer(7)).error?.data).toEqual({ code: 'UPSTREAM_GONE' });
    expect((await client.answer(1)).result?._meta?.[denialKey]).toMatchObject({ code: 'UPSTREAM_GONE' });
  });

  it('by a signal, the exit code is 128 and its number', async () => {
    const client = wrap({ flags: ['--stay'] });
    await client.sync();
    client.signals.emit('SIGHUP', 'SIGHUP');
    expect(await client.end).toEqual({ exitCode: 129, signal: 'SIGHUP' });
  });
});

describe('signals', () => {
  it('are passed on, and the server decides what they mean', async () => {
    const client = wrap({ flags: ['--ignore-sigterm'] });
    await client.sync();
    client.signals.emit('SIGTERM', 'SIGTERM');
    await expect.poll(() => client.reached()).toContain('SIGTERM');
    await client.sync();
    client.signals.emit('SIGINT', 'SIGINT');
    expect(await client.end).toEqual({ exitCode: 7, signal: null });
    expect(client.signals.eventNames()).toEqual([]);
  });

  it('end a gateway whose server could not be started', async () => {
    const client = wrap({ command: 'countersign-no-such-command' });
    await expect.poll(() => client.stderr()).toContain('ENOENT');
    client.signals.emit('SIGTERM', 'SIGTERM');
    expect(await client.end).toEqual({ exitCode: 127, signal: null });
  });
});

describe('with a key or a policy that is no good', () => {
  async function closed(text: string): Promise<{ answers: unknown[]; stderr: string; exitCode: number }> {
    const client = { input: new PassThrough(), output: new PassThrough() };
    let stderr = '';
    let received = '';
    client.output.on('data', (chunk: Buffer) => (received += chunk.toString()));
    client.input.end(text);
    const { exitCode } = await runClosed({
      client,
      code: 'API_KEY_MISSING',
      message: 'There is no API key.',
      stderr: { write: (line: string) => (stderr += line) },
      maxFrameBytes: 10_000,
    });
    const answers = received.split('\n').flatMap((line) => (line ? [JSON.parse(line) as unknown] : []));
    return { answers, stderr, exitCode };
  }
  const refusedAs = (id: unknown) => ({ id, error: { data: { code: 'API_KEY_MISSING' } } });

  it('each request is told the reason, also in batches, and the exit code is 1', async () => {
    const lines = [
      '{"jsonrpc":"2.0","id":"a","method":"initialize"}',
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      sayCall(1, 'x'),
      '[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":3,"method":"y"}]',
      'not JSON',
    ];
    const { answers, stderr, exitCode } = await closed(lines.map((line) => `${line}\n`).join(''));
    expect(answers).toMatchObject([
      refusedAs('a'),
      refusedAs(1),
      [refusedAs(2), refusedAs(3)],
      { id: null, error: { code: -32700 } },
    ]);
    expect(stderr).toContain('There is no API key. (API_KEY_MISSING)');
    expect(exitCode).toBe(1);
  });
});
