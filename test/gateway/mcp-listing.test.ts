import { describe, expect, it } from 'vitest';
import { hex, sha256, utf8 } from '../../src/call/sha256.ts';
import type { FakeGate } from '../support/fake-gate.ts';
import { createFakeGate } from '../support/fake-gate.ts';
import type { Conversation } from '../support/conversation.ts';
import { conversations } from '../support/conversation.ts';

const wrap = conversations();

const tool = (name: string, more = ''): string =>
  `{"name":"${name}" , "inputSchema":{"type":"object","properties":{"path":{},"n":{"maximum":1.50}}}${more}}`;

/** What the listing knows of `say` at each decision. */
function wrapWatching(
  options: { readonly flags?: string[]; readonly listsWithinMs?: number } = {},
): Conversation & { readonly seen: (string | undefined)[] } {
  const seen: (string | undefined)[] = [];
  const gate: FakeGate = createFakeGate({
    async decide() {
      seen.push((await client.listing.tools().catch(() => undefined))?.get('say')?.sha256);
    },
  });
  const client = wrap({ gate, ...options });
  return Object.assign(client, { seen });
}

const call = (id: number, more = ''): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"say","arguments":{}${more}}}\n`;

describe('the listing', () => {
  it('gives each tool by the exact bytes of its definition', async () => {
    const client = wrap({
      flags: ['--tools', `[${tool('a')}, ${tool('b', ',"annotations":{"readOnlyHint":true}')}]`],
    });
    const tools = await client.listing.tools();
    expect([...tools.keys()]).toEqual(['a', 'b']);
    expect(Buffer.from(tools.get('a')?.raw ?? []).toString()).toBe(tool('a'));
    expect(tools.get('a')).toMatchObject({
      sha256: hex(sha256(utf8(tool('a')))),
      declaredProperties: ['path', 'n'],
    });
    expect(tools.get('b')?.annotations).toMatchObject({ readOnlyHint: true });
  });

  it.each([
    ['is listed twice', `[${tool('a')},${tool('a')}]`],
    ['has a second name', '[{"name":"b","name":"a"},{"name":"b"}]'],
    ['has a name in another case', '[{"name":"a","Name":"b"},{"name":"b"}]'],
    ['has ambiguous members', '[{"name":"a","inputSchema":{"type":"object","Type":"string"}}]'],
    ['has a number that no double holds', '[{"name":"a","x":12345678901234567891}]'],
  ])('does not know a tool that %s', async (_, tools) => {
    const client = wrap({ flags: ['--tools', tools] });
    expect([...(await client.listing.tools()).keys()]).toEqual([]);
  });

  it('is asked for before the first call is decided, and nothing of that reaches the client', async () => {
    const client = wrapWatching();
    client.send(call(1));
    await client.answer(1);
    expect(client.seen).toEqual([expect.any(String)]);
    expect(client.reached()).toMatch(/^.*tools\/list.*\n.*tools\/call/);
    expect(client.lines()).toHaveLength(1);
  });

  it('waits for a legacy handshake that is under way', async () => {
    const client = wrapWatching();
    client.send(
      `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"clientInfo":{"name":"c"}}}\n${call(1)}`,
    );
    await client.answer(1);
    expect(client.reached()).toMatch(/^.*initialize.*\n.*tools\/list.*\n.*tools\/call/);
    expect(client.gate.calls).toMatchObject([{ client: { name: 'c' }, era: 'legacy' }]);
  });

  it('carries the meta of a modern caller, and nothing else of it', async () => {
    const client = wrapWatching();
    const version = '"io.modelcontextprotocol/protocolVersion":"2026-07-28"';
    client.send(
      call(1, `,"_meta":{ ${version},"progressToken":5,"io.modelcontextprotocol/clientInfo":{"name":"m"}}`),
    );
    await client.answer(1);
    const [list] = client.reached().split('\n');
    expect(list).toContain(
      `"params":{"_meta":{${version},"io.modelcontextprotocol/clientInfo":{"name":"m"}}}`,
    );
    expect(client.gate.calls).toMatchObject([{ client: { name: 'm' }, era: 'modern' }]);
  });

  it('is asked for again after the server says that it changed, before the next call is decided', async () => {
    const client = wrapWatching();
    client.send(call(1));
    await client.answer(1);
    client.send(call(2));
    await client.answer(2);
    const change = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n';
    client.send(
      `{"jsonrpc":"2.0","id":3,"method":"ping","params":{"say":[${JSON.stringify(change)},"{\\"jsonrpc\\":\\"2.0\\",\\"id\\":$ID,\\"result\\":{}}\\n"]}}\n`,
    );
    await client.answer(3);
    client.send(call(4));
    await client.answer(4);
    expect(client.reached().match(/"method":"tools\/list"/g)).toHaveLength(2);
    expect(client.lines()).toContain(change.trim());
  });

  it('is asked for again after the client listed anew', async () => {
    const client = wrapWatching();
    client.send(call(1));
    await client.answer(1);
    client.send('{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n');
    await client.answer(2);
    client.send(call(3));
    await client.answer(3);
    expect(client.reached().match(/"method":"tools\/list"/g)).toHaveLength(3);
  });

  it('fails in time when the server does not answer, and the next call asks again', async () => {
    const client = wrapWatching({ flags: ['--silent-lists'], listsWithinMs: 200 });
    client.send(call(1));
    await client.answer(1);
    client.send(call(2));
    await client.answer(2);
    expect(client.seen).toEqual([undefined, undefined]);
    expect(client.reached().match(/"method":"tools\/list"/g)).toHaveLength(2);
  });

  it('knows all pages of resources, and prompts, by their exact names', async () => {
    const client = wrap();
    const { listing } = client;
    expect(await listing.lists('resources:read', { uri: 'odd://one' })).toBe(true);
    expect(await listing.lists('resources:read', { uri: 'odd://two' })).toBe(true);
    expect(await listing.lists('resources:read', { uris: ['odd://one', 'odd://two'] })).toBe(true);
    expect(await listing.lists('resources:read', { uris: ['odd://one', 'odd://three'] })).toBe(false);
    expect(await listing.lists('resources:read', { uri: 'odd://three' })).toBe(false);
    expect(await listing.lists('prompts:get', { name: 'greet' })).toBe(true);
    expect(await listing.lists('completion:complete', { ref: { type: 'ref/prompt', name: 'greet' } })).toBe(
      true,
    );
    expect(await listing.lists('completion:complete', { ref: { type: 'ref/prompt', name: 'other' } })).toBe(
      false,
    );
  });
});
