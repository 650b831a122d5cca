import { describe, expect, it } from 'vitest';
import { metaKeys } from '../../../../src/names.ts';
import { conditionPolicy, policyOf } from '../../../policy/support/inputs.ts';
import type { TestGateway } from './gateway.ts';
import { call, tools, withServers } from './scripted-servers.ts';

const good = { good: [tools('x'), call] };

describe('servers that are joined at /mcp', () => {
  it('are called with their own names for their tools, and no other byte changed', async () => {
    const echo = `'tools/call': (request) => JSON.stringify({ content: [], seen: JSON.stringify(request) })`;
    await withServers({ good: [tools('x'), echo] }, async (client) => {
      const { message } = await client.ask(
        'tools/call',
        { arguments: { n: 0.1 }, name: 'good__x', _meta: { a: 1 } },
        'my id',
      );
      expect(message.result?.['seen']).toBe(
        '{"jsonrpc":"2.0","id":"my id","method":"tools/call","params":{"arguments":{"n":0.1},"name":"x","_meta":{"a":1}}}',
      );
    });
  });

  it('keep their numbers and unknown members in what they list', async () => {
    const odd = '{"name":"x","inputSchema":{"type":"object","maximum":5.0},"future":1.10}';
    await withServers(
      { good: [`'tools/list': () => ${JSON.stringify(`{"tools":[${odd}]}`)}`] },
      async (client) => {
        const { text } = await client.ask('tools/list');
        expect(text).toContain(odd.replace('"x"', '"good__x"'));
      },
    );
  });

  it('cannot speak for one another, whatever they call their tools', async () => {
    await withServers({ ...good, bad: [tools('good__x', '__x', 'x'), call] }, async (client) => {
      expect(await client.names()).toEqual(['good__x', 'bad__good__x', 'bad____x', 'bad__x']);
      const { message } = await client.ask('tools/call', { name: 'bad__good__x', arguments: {} });
      expect(JSON.stringify(message.result)).toContain('\\"name\\":\\"good__x\\"');
    });
  });

  it.each([
    [
      'lists a hundred thousand tools',
      `'tools/list': () => JSON.stringify({ tools: Array.from({ length: 100_000 }, (_, n) => ({ name: 't' + n })) })`,
    ],
    ['dies while it lists', `'tools/list': () => process.exit(1)`],
    ['never answers', `'tools/list': () => undefined`],
    ['lists what is no list', `'tools/list': () => '{"tools":{"name":"x"}}'`],
    [
      'answers with an error',
      `'tools/list': ({ id }, say) => say(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no' } }))`,
    ],
    ['lists a tool without a name', `'tools/list': () => '{"tools":[{},{"name":7},{"name":""},null]}'`],
    ['lists a tool twice', tools('y', 'y')],
    [
      'lists a tool that has two names',
      `'tools/list': () => '{"tools":[{"name":"y","Name":"x"},{"name":"y","name":"z"}]}'`,
    ],
    ['lists a name that is too long', tools('y'.repeat(124))],
  ])('stay usable beside one that %s', async (_what, list) => {
    await withServers({ bad: [list, call], ...good }, async (client, { warnings }) => {
      expect(await client.names()).toEqual(['good__x']);
      expect(warnings.some((sentence) => sentence.includes('bad'))).toBe(true);
      const { message } = await client.ask('tools/call', { name: 'good__x', arguments: {} });
      expect(message.result?.['_meta']).toHaveProperty([metaKeys.envelope]);
    });
  });

  it('stay usable beside one that takes no handshake, or does not start', async () => {
    const mute = [`initialize: () => undefined`];
    const dead = [`initialize: () => process.exit(3)`];
    await withServers({ mute, dead, ...good }, async (client) => {
      expect(await client.names()).toEqual(['good__x']);
      const { message } = await client.ask('tools/call', { name: 'dead__x', arguments: {} });
      expect(message.result?.['_meta']).toMatchObject({
        [metaKeys.denial]: { code: 'UPSTREAM_GONE' },
      });
    });
  });

  it('are begun again after they ended', async () => {
    const dying = `'tools/call': () => process.exit(1)`;
    await withServers({ bad: [tools('y'), dying] }, async (client) => {
      const { message } = await client.ask('tools/call', { name: 'bad__y', arguments: {} });
      expect(message.result?.['_meta']).toMatchObject({
        [metaKeys.denial]: { code: 'UPSTREAM_GONE' },
      });
      expect(await client.names()).toEqual(['bad__y']);
    });
  });

  it('warn of names that look like others', async () => {
    await withServers({ bad: [tools('reаd')] }, async (client, { warnings }) => {
      await client.names();
      expect(warnings.join()).toContain('taken for others');
    });
  });
});

describe('the pages of /mcp', () => {
  const paged = `'tools/list': ({ params }) => {
    const n = Number(params.cursor ?? 0);
    return JSON.stringify({ tools: [{ name: 'p' + n, inputSchema: {} }], ...(n < 3 && { nextCursor: String(n + 1) }) });
  }`;
  const endless = `'tools/list': ({ params }) => JSON.stringify({ tools: [{ name: 'same' }], nextCursor: params.cursor ?? 'again' })`;

  it('hold the next page of every server, until all have ended', async () => {
    await withServers({ paged: [paged], endless: [endless], ...good }, async (client) => {
      const pages: (readonly string[])[] = [];
      for (let cursor: unknown = undefined; pages.length < 10;) {
        const { message } = await client.ask('tools/list', { ...(cursor !== undefined && { cursor }) });
        pages.push((message.result?.tools ?? []).map(({ name }) => name));
        cursor = message.result?.['nextCursor'];
        if (cursor === undefined) break;
      }
      expect(pages).toEqual([
        ['paged__p0', 'endless__same', 'good__x'],
        ['paged__p1', 'endless__same'],
        ['paged__p2'],
        ['paged__p3'],
      ]);
    });
  });

  it('are not opened by a cursor that was not made for them', async () => {
    await withServers({ paged: [paged, `'prompts/list': () => '{"prompts":[]}'`] }, async (client) => {
      const { message } = await client.ask('tools/list');
      const cursor = String(message.result?.['nextCursor']);
      const [payload = ''] = cursor.split('.');
      const forged = Buffer.from(JSON.stringify([['paged', { cursor: '3', pages: 1 }]])).toString('base64');
      for (const [method, given] of [
        ['tools/list', ''],
        ['tools/list', 'x.y'],
        ['tools/list', payload],
        ['tools/list', `${forged}.${cursor.split('.')[1]}`],
        ['tools/list', 3],
        ['prompts/list', cursor],
      ] as const)
        expect((await client.ask(method, { cursor: given })).message.error?.data?.code).toBe('FRAME_INVALID');
      expect((await client.ask('tools/list', { cursor })).message.result?.tools).toHaveLength(1);
    });
  });
});

describe('what /mcp shows of the tools', () => {
  it('is what policy could ever allow', async () => {
    const policy = policyOf(
      '{id: a, effect: allow, tools: ["good/*"], when: "args.n < 3.0"}',
      '{id: d, effect: deny, tools: ["good/z"]}',
    );
    await withServers(
      { good: [tools('x', 'y', 'z'), call], other: [tools('x')] },
      async (client) => expect(await client.names()).toEqual(['good__x', 'good__y']),
      policy,
    );
  });

  it('is nothing to somebody of whom no rule speaks', async () => {
    const policy = conditionPolicy('agent.id == "another"');
    await withServers(good, async (client) => expect(await client.names()).toEqual([]), policy);
  });
});

describe('resources at /mcp', () => {
  const resources = (...uris: readonly string[]) => [
    `'resources/list': () => ${JSON.stringify(JSON.stringify({ resources: uris.map((uri) => ({ uri, name: uri })) }))}`,
    `'resources/templates/list': () => '{"resourceTemplates":[]}'`,
    `'resources/read': ({ params }) => JSON.stringify({ contents: [{ uri: params.uri, text: process.argv[2] }] })`,
  ];

  it('are left out and refused where two servers have one of the same URI', async () => {
    await withServers(
      { one: resources('a://1', 'a://both'), two: resources('a://2', 'a://both') },
      async (client) => {
        const { text } = await client.ask('resources/list');
        expect(text).toContain('a://1');
        expect(text).toContain('a://2');
        expect(text).not.toContain('a://both');
        const refused = await client.ask('resources/read', { uri: 'a://both' });
        expect(refused.message.error).toMatchObject({ data: { code: 'NOT_FOUND' } });
        expect(refused.message.error?.message).toContain('one, two');
        expect((await client.ask('resources/read', { uri: 'a://2' })).message.result).toBeDefined();
        expect((await client.ask('resources/read', { uri: 'a://3' })).message.error?.data?.code).toBe(
          'NOT_FOUND',
        );
      },
    );
  });
});

describe('what servers ask a client of /mcp', () => {
  const asking = (text: string) => `'tools/call': (request, say) => {
    globalThis.waiting = request.id;
    say('{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"_meta":{"progressToken":1},"from":"${text}"}}');
  },
  response: (message, say) => say(JSON.stringify({ jsonrpc: '2.0', id: globalThis.waiting, result: { content: [], got: message.result.to } }))`;

  it('has ids of its own, and the answers go back to who asked', async () => {
    await withServers(
      { one: [tools('t'), asking('one')], two: [tools('t'), asking('two')] },
      async (client, gateway) => {
        await client.names();
        const session = await openSession(gateway);
        const results = await Promise.all([session.call('one__t'), session.call('two__t')]);
        expect(results).toEqual(['answer to one', 'answer to two']);
        expect(new Set(session.asked.map(({ id }) => id)).size).toBe(2);
        expect(session.asked.map(({ id, token }) => id === token)).toEqual([true, true]);
      },
    );
  });

  /** A client that reads the streams of its calls, and answers what is asked in them. */
  async function openSession({ at, apiKey }: TestGateway) {
    const asked: { readonly id: number; readonly token: number }[] = [];
    let id = 100;
    const post = (session: string, message: object): Promise<Response> =>
      fetch(at(''), {
        method: 'POST',
        headers: {
          authorization: `Bearer ${apiKey}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(session !== '' && { 'mcp-session-id': session }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      });
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { sampling: {} },
      clientInfo: { name: 'c', version: '1' },
    };
    const begun = await post('', { id: 1, method: 'initialize', params });
    const session = begun.headers.get('mcp-session-id') ?? '';
    await post(session, { method: 'notifications/initialized' });
    const call = async (name: string): Promise<unknown> => {
      const response = await post(session, {
        id: ++id,
        method: 'tools/call',
        params: { name, arguments: {} },
      });
      const decoder = new TextDecoder();
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines.filter((each) => each.startsWith('data: {'))) {
          const message = JSON.parse(line.slice(6)) as {
            readonly id: number;
            readonly method?: string;
            readonly params?: { readonly from: string; readonly _meta: { readonly progressToken: number } };
            readonly result?: { readonly got?: string };
          };
          if (message.result) return message.result.got;
          if (!message.method) return message;
          asked.push({ id: message.id, token: message.params?._meta.progressToken ?? 0 });
          await post(session, { id: message.id, result: { to: `answer to ${message.params?.from}` } });
        }
      }
      return undefined;
    };
    return { asked, call };
  }
});

describe('a server at /mcp', () => {
  it('reports progress of its own calls alone', async () => {
    const lying = `'tools/call': (request, say) => {
      for (const progressToken of ['mine', 'other'])
        say(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } }));
      return '{"content":[]}';
    }`;
    await withServers({ bad: [tools('t'), lying] }, async (client, { warnings }) => {
      await client.names();
      const params = { name: 'bad__t', _meta: { progressToken: 'mine' } };
      const { body } = await client.ask('tools/call', params);
      expect(body).toContain('"progressToken":"mine"');
      expect(body).not.toContain('"progressToken":"other"');
      expect(warnings.join()).toContain('progress');
    });
  });
});

describe('a client of /mcp', () => {
  it('cannot use an id twice at a time', async () => {
    const slow = `'tools/call': (request, say) => void setTimeout(() => say(JSON.stringify({ jsonrpc: '2.0', id: request.id, result: { content: [] } })), 300)`;
    await withServers({ good: [tools('x'), slow] }, async (client) => {
      await client.names();
      const [one, other] = await Promise.all([
        client.ask('tools/call', { name: 'good__x' }, 'same'),
        client.ask('tools/call', { name: 'good__x' }, 'same'),
      ]);
      const codes = [one.message.error?.data?.code, other.message.error?.data?.code];
      expect(codes).toContain('REQUEST_ID_IN_FLIGHT');
      expect(codes).toContain(undefined);
    });
  });

  it('gets one array for a batch whose elements go to several servers', async () => {
    await withServers({ ...good, other: [tools('x'), call] }, async (client) => {
      const { message } = await client.send([
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'good__x' } },
        { jsonrpc: '2.0', id: 2, method: 'ping' },
        { jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'other__x' } },
        { jsonrpc: '2.0', method: 'notifications/initialized' },
      ]);
      const answers = message as unknown as readonly { readonly id: number; readonly result: object }[];
      expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
      expect(answers.every(({ result }) => typeof result === 'object')).toBe(true);
    });
  });

  it.each([[{ name: 'good__x', Name: 'other__x' }], [{ name: 'good__x', arguments: { a: 1, A: 2 } }]])(
    'has what could be read in two ways refused: %j',
    async (params) => {
      await withServers(good, async (client) => {
        expect((await client.ask('tools/call', params)).message.error?.data?.code).toBe(
          'ARGUMENTS_AMBIGUOUS',
        );
      });
    },
  );

  it('has no method passed on that no server is meant by', async () => {
    await withServers(good, async (client) => {
      for (const method of ['vendor/run', 'tools/Call', 'server/discover', 'subscriptions/listen'])
        expect((await client.ask(method)).message.error?.data?.code).toBe('METHOD_NOT_RELAYED');
    });
  });
});
