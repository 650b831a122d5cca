import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Call } from '../../src/call/call.ts';
import type { Permit } from '../../src/call/permit.ts';
import { mintPermit } from '../../src/call/permit.ts';
import { CountersignError } from '../../src/errors.ts';
import { mintRelayFrame } from '../../src/targets/mcp-relay-frame.ts';
import type { McpStdioTarget } from '../../src/targets/mcp-stdio.ts';
import { startMcpStdioTarget } from '../../src/targets/mcp-stdio.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-target-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const oddServer = join(import.meta.dirname, '../support/odd-server.ts');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const never = new AbortController().signal;

let targets: McpStdioTarget[] = [];
afterEach(async () => {
  for (const target of targets) target.signal('SIGKILL');
  await Promise.all(targets.map(({ ended }) => ended));
  targets = [];
});

let logs = 0;
function start(...flags: string[]): { target: McpStdioTarget; received: () => string; output: () => string } {
  const log = join(folder, `${++logs}.log`);
  const target = startMcpStdioTarget({
    command: process.execPath,
    args: [oddServer, '--log', log, ...flags],
    environment: { PATH: process.env['PATH'] },
  });
  targets.push(target);
  let text = '';
  target.output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const received = (): string => {
    try {
      return readFileSync(log, 'utf8');
    } catch {
      return '';
    }
  };
  return { target, received, output: () => text };
}

function call(payload: string, id = '018f0000-0000-7000-8000-000000000001'): Call {
  return {
    id,
    server: { name: 'odd', digest: '0'.repeat(64) },
    kind: 'tool',
    tool: 'say',
    params: bytes('{}'),
    arguments: {},
    payload: bytes(payload),
    era: 'legacy',
  };
}

function permit(of: Call, withinMs = 5_000): Permit {
  return mintPermit({
    call: of,
    dispatchBefore: { monotonic: performance.now() + withinMs, wall: Date.now() + withinMs },
    leaseEnds: Date.now() + 60_000,
  });
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 10 }).toBe(true);
}

/** A whole exchange, so that what the server never got can be told from what it has not got yet. */
async function sync(target: McpStdioTarget, output: () => string): Promise<void> {
  const mark = `sync-${Math.random()}`;
  target.relay(mintRelayFrame(bytes(`{"jsonrpc":"2.0","id":"${mark}","method":"ping"}\n`)));
  await until(() => output().includes(mark));
}

describe('execute', () => {
  it('writes exactly the payload of the permit and resolves with the answer it is handed', async () => {
    const { target, received, output } = start();
    const payload = '{"jsonrpc":"2.0","id":1, "method":"tools/call","params":{"name":"say"}}\r\n';
    const granted = permit(call(payload));
    const executing = target.execute(granted, never);
    expect(target.isAwaiting(granted.call.id)).toBe(true);
    await until(() => output().includes('"id":1'));
    expect(received()).toBe(payload);
    const answer = { kind: 'error', error: bytes('{}'), value: {}, frame: bytes('{}') } as const;
    target.answer(granted.call.id, answer);
    expect(await executing).toBe(answer);
    expect(target.isAwaiting(granted.call.id)).toBe(false);
  });

  it('uses a permit once, and takes none that was not minted', async () => {
    const { target, received, output } = start();
    const used = permit(call('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}\n'));
    void target.execute(used, never);
    const again = await target.execute(used, never);
    const forged = await target.execute({ ...used }, never);
    expect([again, forged]).toMatchObject([
      { kind: 'none', outcome: 'aborted' },
      { kind: 'none', outcome: 'aborted' },
    ]);
    await sync(target, output);
    expect(received().match(/hang/g)).toHaveLength(1);
  });

  it('sends nothing on an expired permit, by either clock', async () => {
    const { target, received, output } = start();
    const of = call('{"jsonrpc":"2.0","id":1,"method":"tools/call"}\n');
    const late = { monotonic: performance.now() - 1, wall: Date.now() + 5_000 };
    const lateByWall = { monotonic: performance.now() + 5_000, wall: Date.now() - 1 };
    for (const dispatchBefore of [late, lateByWall]) {
      const expired = mintPermit({ call: of, dispatchBefore, leaseEnds: Date.now() + 60_000 });
      expect(await target.execute(expired, never)).toMatchObject({
        outcome: 'aborted',
        code: 'PERMIT_EXPIRED',
      });
    }
    await sync(target, output);
    expect(received()).not.toContain('tools/call');
  });

  it('sends nothing for a call that was cancelled before', async () => {
    const { target, received, output } = start();
    const of = call('{"jsonrpc":"2.0","id":1,"method":"tools/call"}\n');
    const execution = await target.execute(permit(of), AbortSignal.abort());
    expect(execution).toMatchObject({ kind: 'none', outcome: 'aborted', code: 'CALLER_CANCELLED' });
    await sync(target, output);
    expect(received()).not.toContain('tools/call');
  });

  it('calls it unknown when a sent call is cancelled or its lease ends without an answer', async () => {
    const { target } = start();
    const hang = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}\n';
    const byCaller = new AbortController();
    const byGate = new AbortController();
    const first = target.execute(permit(call(hang, 'a')), byCaller.signal);
    const second = target.execute(permit(call(hang, 'b')), byGate.signal);
    byCaller.abort();
    byGate.abort(new CountersignError('LEASE_ENDED', 'The lease ended.'));
    expect(await second).toMatchObject({ outcome: 'unknown', code: 'LEASE_ENDED' });
    expect(await first).toMatchObject({ outcome: 'unknown', code: 'CALLER_CANCELLED' });
  });

  it('keeps the answer that comes right after a cancellation', async () => {
    const { target } = start();
    const controller = new AbortController();
    const of = call('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}\n');
    const executing = target.execute(permit(of), controller.signal);
    controller.abort();
    const answer = { kind: 'error', error: bytes('{}'), value: {}, frame: bytes('{}') } as const;
    target.answer(of.id, answer);
    expect(await executing).toBe(answer);
  });

  it('calls it unknown when the server ends after it got the call, and aborted when before', async () => {
    const { target } = start();
    const die = call('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"die"}}\n');
    expect(await target.execute(permit(die), never)).toMatchObject({
      outcome: 'unknown',
      code: 'UPSTREAM_GONE',
    });
    expect((await target.ended).exitCode).toBe(9);
    const after = await target.execute(permit(call('{}\n')), never);
    expect(after).toMatchObject({ outcome: 'aborted', code: 'UPSTREAM_GONE' });
  });

  it('does not leave a call in its own buffer beyond the permit when the server does not read', async () => {
    const { target } = start('--deaf', '--stay');
    target.relay(mintRelayFrame(bytes('x'.repeat(4_000_000) + '\n')));
    await until(() => target.backlog > 0);
    const execution = await target.execute(permit(call('{}\n'), 100), never);
    expect(execution).toMatchObject({ outcome: 'aborted', code: 'PERMIT_EXPIRED' });
  });
});

describe('relay', () => {
  it('forwards a frame once and takes none that was not minted', () => {
    const { target } = start();
    const frame = mintRelayFrame(bytes('{"jsonrpc":"2.0","method":"notifications/initialized"}\n'));
    target.relay(frame);
    expect(() => target.relay(frame)).toThrow(CountersignError);
    expect(() => target.relay({ ...frame })).toThrow(CountersignError);
  });
});

describe('the end of a server', () => {
  it('is its own exit code', async () => {
    const { target } = start('--exit', '5');
    target.endInput();
    expect(await target.ended).toEqual({ exitCode: 5, signal: null });
  });

  it('by a signal is 128 and the number of the signal', async () => {
    const { target, received, output } = start('--stay', '--ignore-sigterm');
    await sync(target, output);
    target.signal('SIGTERM');
    await until(() => received().includes('SIGTERM'));
    target.signal('SIGKILL');
    expect(await target.ended).toEqual({ exitCode: 137, signal: 'SIGKILL' });
  });

  it('is 127 when there is no such command', async () => {
    const target = startMcpStdioTarget({ command: 'countersign-no-such-command', args: [], environment: {} });
    target.relay(mintRelayFrame(bytes('{}\n')));
    expect(await target.ended).toMatchObject({ exitCode: 127, startError: 'ENOENT' });
    expect(await target.execute(permit(call('{}\n')), never)).toMatchObject({ code: 'UPSTREAM_GONE' });
  });
});
