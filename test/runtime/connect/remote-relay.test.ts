import { afterEach, describe, expect, it } from 'vitest';
import {
  connected,
  idOf,
  json,
  modernMeta,
  standIn,
  stream,
  type Connected,
  type StandIn,
} from './connected.ts';

const open: StandIn[] = [];
const clients: Connected[] = [];
afterEach(async () => {
  for (const { remote } of clients.splice(0)) await remote.close(200);
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function against(
  answer: Parameters<typeof standIn>[0],
  options?: Parameters<typeof connected>[1],
): Promise<Connected & { readonly gate: StandIn }> {
  const gate = await standIn(answer);
  open.push(gate);
  const client = connected(gate.url, options);
  clients.push(client);
  return Object.assign(client, { gate });
}

const echo: Parameters<typeof standIn>[0] = (request, response) => {
  const id = idOf(request);
  if (request.method !== 'POST') json(response, 405, {});
  else if (id === undefined) response.writeHead(202).end();
  else json(response, 200, { jsonrpc: '2.0', id, result: { body: request.body } });
};

/** A legacy gate with a session; what follows the handshake is for `answer`. */
function session(answer: Parameters<typeof standIn>[0]): Parameters<typeof standIn>[0] {
  return (request, response, nth) => {
    if (request.body.includes('"initialize"'))
      json(
        response,
        200,
        { jsonrpc: '2.0', id: idOf(request), result: { protocolVersion: '2025-11-25', capabilities: {} } },
        { 'mcp-session-id': 'session-1' },
      );
    else if (request.body.includes('notifications/initialized')) response.writeHead(202).end();
    else answer(request, response, nth);
  };
}

async function handshake(client: Connected): Promise<void> {
  await client.request('initialize', { protocolVersion: '2025-11-25' });
  client.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  await client.remote.sent();
}

describe('what is sent to a gate', () => {
  it('is the client’s own bytes, with the API key and what revision 2026-07-28 derives from them', async () => {
    const client = await against(echo);
    const line = `{"jsonrpc":"2.0", "id":1, "method":"tools/call","params":{"name":"größe","n":12345678901234567890,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`;
    client.send(line);
    await client.line();
    const [seen] = client.gate.seen;
    expect(seen?.body).toBe(line);
    expect(seen?.headers).toMatchObject({
      authorization: 'Bearer cs_live_test',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': '=?base64?Z3LDtsOfZQ==?=',
    });
    expect(seen?.headers).not.toHaveProperty('mcp-session-id');
  });

  it('carries a legacy session from the handshake on, and ends it at the end', async () => {
    const client = await against(session(echo));
    const first = client.request('initialize', { protocolVersion: '2025-11-25' });
    client.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    await first;
    await client.request('tools/list');
    await expect.poll(() => client.gate.seen.map(({ method }) => method)).toContain('GET');
    await client.remote.close(2_000);
    const [, ...later] = client.gate.seen;
    expect(later.map(({ headers }) => headers['mcp-session-id'])).toEqual(later.map(() => 'session-1'));
    expect(later.filter(({ method }) => method === 'POST').length).toBe(2);
    for (const { headers } of later.slice(1)) expect(headers['mcp-protocol-version']).toBe('2025-11-25');
    expect(client.gate.seen.at(-1)?.method).toBe('DELETE');
  });

  it('repeats arguments in headers, where the tool’s listed schema wants it', async () => {
    const inputSchema = {
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        deep: { properties: { on: { type: 'boolean', 'x-mcp-header': 'On' } } },
        count: { type: 'integer', 'x-mcp-header': 'Count' },
        none: { type: 'string', 'x-mcp-header': 'None' },
        twice: { type: 'string', 'x-mcp-header': 'Twice' },
        again: { type: 'string', 'x-mcp-header': 'twice' },
        bad: { type: 'string', 'x-mcp-header': 'a b\r\nauthorization' },
      },
    };
    const client = await against((request, response) =>
      json(response, 200, {
        jsonrpc: '2.0',
        id: idOf(request),
        result: request.body.includes('tools/list') ? { tools: [{ name: 'look', inputSchema }, 7, {}] } : {},
      }),
    );
    await client.request('tools/list', { _meta: modernMeta });
    const given = { region: 'ä', deep: { on: true }, count: 2 ** 60, twice: 'a', again: 'b', bad: 'c' };
    await client.request('tools/call', { name: 'look', arguments: given, _meta: modernMeta });
    await client.request('tools/call', { name: 'look', arguments: given });
    const mirrored = client.gate.seen.map(({ headers }) =>
      Object.entries(headers).filter(([name]) => name.startsWith('mcp-param-')),
    );
    expect(mirrored).toEqual([
      [],
      [
        ['mcp-param-region', '=?base64?w6Q=?='],
        ['mcp-param-on', 'true'],
      ],
      [],
    ]);
  });

  it('is nothing of what is no strict frame, which is answered here', async () => {
    const client = await against(echo);
    client.send('{"jsonrpc":"2.0","id":1,"method":"ping"}\r{"jsonrpc":"2.0","id":2,"method":"tools/call"}');
    client.send('{"jsonrpc":"2.0","id":3,"id":4,"method":"tools/call"}');
    client.send('[]');
    for (let count = 0; count < 3; count += 1) expect(await client.line()).toContain('"error"');
    expect(client.gate.seen).toEqual([]);
  });

  it('is no second request under an id that waits', async () => {
    const client = await against((_, response) => stream(response, ': waits'));
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}');
    client.send('{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{}}');
    expect(await client.line()).toContain('REQUEST_ID_IN_FLIGHT');
    await expect.poll(() => client.gate.seen.length).toBe(1);
  });

  it('is sent once and to nobody else when the gate redirects', async () => {
    const elsewhere = await standIn(echo);
    open.push(elsewhere);
    const client = await against((_, response) => response.writeHead(307, { location: elsewhere.url }).end());
    const answer = await client.request('tools/call', { name: 'x' });
    expect(answer.error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('an answer', () => {
  it('is one line, whatever form it had', async () => {
    const client = await against((request, response) => {
      const id = JSON.stringify(idOf(request));
      if (request.body.includes('"json"'))
        json(response, 200, `{\n  "jsonrpc": "2.0",\r\n  "id": ${id}, "result": {"n": 1e400}\n}`);
      else stream(response, `data: {"jsonrpc":"2.0",\ndata: "id":${id},"result":{"s":"a\\nb"}}`);
    });
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"json"}}');
    expect(await client.line()).toBe('{   "jsonrpc": "2.0",    "id": 1, "result": {"n": 1e400} }');
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stream"}}');
    expect(await client.line()).toBe('{"jsonrpc":"2.0", "id":1,"result":{"s":"a\\nb"}}');
  });

  it('to a batch is an array, and each of its requests is answered', async () => {
    const client = await against((request, response) => {
      const asked = (JSON.parse(request.body) as { id: number }[]).slice(0, 2);
      json(
        response,
        200,
        asked.map(({ id }) => ({ jsonrpc: '2.0', id, result: {} })),
      );
    });
    client.send('[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":2,"method":"b"}]');
    expect(JSON.parse(await client.line())).toHaveLength(2);
    client.send(
      '[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","id":2,"method":"b"},{"jsonrpc":"2.0","id":3,"method":"c"}]',
    );
    expect(JSON.parse(await client.line())).toHaveLength(2);
    expect(JSON.parse(await client.line())).toMatchObject([
      { id: 3, error: { data: { code: 'GATE_ANSWER_INVALID' } } },
    ]);
  });

  it('keeps what the server’s refusal says, also where it names no request', async () => {
    const client = await against((_, response) =>
      json(response, 400, {
        jsonrpc: '2.0',
        id: null,
        error: { code: -32_020, message: 'Mismatch', data: { a: 1 } },
      }),
    );
    const answer = await client.request('tools/call', { _meta: modernMeta });
    expect(answer.error).toEqual({ code: -32_020, message: 'Mismatch', data: { a: 1 } });
  });

  it.each([
    [401, { error: { code: 'API_KEY_UNKNOWN', message: 'No.' } }, 'API_KEY_UNKNOWN'],
    [403, { error: { code: 'KEY_OVER_LIMIT', message: 'No.' } }, 'KEY_OVER_LIMIT'],
    [401, { error: { code: 'MADE_UP', message: 'No.' } }, 'GATE_UNREACHABLE'],
    [404, '<html>', 'GATE_UNREACHABLE'],
    [502, '', 'GATE_UNREACHABLE'],
    [200, '<html>', 'GATE_ANSWER_INVALID'],
    [202, '', 'GATE_ANSWER_INVALID'],
    [204, '', 'GATE_ANSWER_INVALID'],
  ])('of status %i with %j instead is the reason %s', async (status, body, code) => {
    const client = await against((_, response) => json(response, status, body));
    const answer = await client.request('tools/call', { name: 'x' });
    expect(answer.error?.data).toEqual({ code });
    expect(client.remote.wasInVain).toBe(true);
  });
});

describe('a gate that lies', () => {
  it('cannot answer what was not asked, nor answer twice, nor answer one request in the stream of another', async () => {
    const client = await against((request, response) => {
      const id = JSON.stringify(idOf(request));
      if (request.body.includes('"waits"')) return stream(response, ': waits');
      stream(
        response,
        'data: {"jsonrpc":"2.0","id":999,"result":{"forged":true}}',
        'data: {"jsonrpc":"2.0","id":1,"result":{"forged":true}}',
        'data: {"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}',
        'data: {"jsonrpc":"2.0","id":2,"result":{},"method":"x"}',
        'data: not json',
        `data: {"jsonrpc":"2.0","id":${id},"result":{"first":true}}`,
        `data: {"jsonrpc":"2.0","id":${id},"result":{"second":true}}`,
      );
      response.end();
    });
    client.send(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'waits', _meta: modernMeta },
      }),
    );
    client.send(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 2,
        method: 'tools/call',
        params: { name: 'y', _meta: modernMeta },
      }),
    );
    expect(JSON.parse(await client.line())).toEqual({ jsonrpc: '2.0', id: 2, result: { first: true } });
    await expect.poll(() => client.warnings.length).toBe(6);
    expect(client.rest).toEqual([]);
  });

  it('cannot answer one request twice within one array', async () => {
    const client = await against((request, response) => {
      const one = { jsonrpc: '2.0', id: idOf(request), result: {} };
      json(response, 200, [one, one]);
    });
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call"}');
    expect(JSON.parse(await client.line())).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    expect(client.warnings).toHaveLength(1);
    expect(client.rest).toEqual([]);
  });

  it('cannot fill the memory', async () => {
    const large = 'x'.repeat(70_000);
    const client = await against(
      (request, response) => {
        const id = idOf(request);
        const message = JSON.stringify({ jsonrpc: '2.0', id, result: { large } });
        if (request.body.includes('"json"')) json(response, 200, message);
        else stream(response, `data: ${message}`);
      },
      { maxMessageBytes: 65_536 },
    );
    for (const name of ['json', 'stream']) {
      const { error } = await client.request('tools/call', { name });
      expect(error?.data).toEqual({ code: 'GATE_ANSWER_INVALID' });
    }
  });

  it('that hangs holds up nobody else, and its request ends when the client cancels', async () => {
    const client = await against((request, response) => {
      if (!request.body.includes('"hangs"')) echo(request, response, 0);
    });
    const params = { name: 'hangs', _meta: modernMeta };
    client.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
    await client.request('tools/list');
    client.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    await client.gate.seen[0]?.left;
    await client.remote.idle();
    expect(client.rest).toEqual([]);
    expect(client.gate.seen.some(({ body }) => body.includes('cancelled'))).toBe(false);
  });
});

describe('a legacy session', () => {
  it('has cancellations told to the gate, and nobody answered then', async () => {
    let hold: (() => void) | undefined;
    const client = await against(
      session((request, response) => {
        if (request.method !== 'POST') return json(response, 405, {});
        if (request.body.includes('cancelled')) {
          response.writeHead(202).end();
          return hold?.();
        }
        stream(response, ': waits');
        hold = () => response.end();
      }),
    );
    await handshake(client);
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}');
    client.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}');
    await client.remote.idle();
    expect(client.gate.seen.some(({ body }) => body.includes('cancelled'))).toBe(true);
    expect(client.rest).toEqual([]);
  });

  it('takes a stream up again where it broke off, until its answer is there', async () => {
    const resumed: unknown[] = [];
    const client = await against(
      session((request, response) => {
        if (request.method === 'GET') {
          const last = request.headers['last-event-id'];
          if (last === undefined) return json(response, 405, {});
          resumed.push(last);
          if (resumed.length === 1)
            stream(response, 'id: e2\ndata: {"jsonrpc":"2.0","method":"notifications/message"}');
          else stream(response, 'data: {"jsonrpc":"2.0","id":1,"result":{}}');
          return response.end();
        }
        stream(response, 'id: e1\nretry: 10\ndata:');
        response.end();
      }),
    );
    await handshake(client);
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}');
    expect(await client.line()).toContain('notifications/message');
    expect(await client.line()).toContain('"result"');
    expect(resumed).toEqual(['e1', 'e2']);
  });

  it('whose stream breaks off for good is answered that the call may have run', async () => {
    const client = await against(
      session((request, response) => {
        if (request.method !== 'POST') return json(response, 405, {});
        stream(response, ': begun');
        response.destroy();
      }),
    );
    await handshake(client);
    const { error } = await client.request('tools/call', { name: 'x' });
    expect(error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect(error?.message).toContain('may have run');
  });

  it('that the gate has forgotten ends the conversation, and everything is answered', async () => {
    const client = await against(session((_, response) => json(response, 404, '')));
    await handshake(client);
    const { error } = await client.request('tools/call', { name: 'x' });
    expect(error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect((await client.remote.lost).code).toBe('GATE_UNREACHABLE');
    expect((await client.request('tools/list')).error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
  });
});

describe('without a gate', () => {
  it('every request is answered that nothing ran', async () => {
    const gone = await standIn(echo);
    await gone[Symbol.asyncDispose]();
    const client = connected(gone.url);
    const { error } = await client.request('tools/call', { name: 'x' });
    expect(error?.data).toEqual({ code: 'GATE_UNREACHABLE' });
    expect(error?.message).toContain('nothing ran');
    expect(client.remote.wasInVain).toBe(true);
  });
});
