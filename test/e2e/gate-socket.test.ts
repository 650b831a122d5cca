import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { connectGate } from '../../src/client/connect-gate.ts';
import { createNodeFetch } from '../../src/node.ts';
import { testHome } from '../support/home.ts';
import { startServing } from '../support/serving.ts';

it('a program asks a gate on a unix socket, with the fetch that is made for it', async () => {
  await using home = await testHome();
  const folder = join(home.work, 'run');
  mkdirSync(folder, { mode: 0o700 });
  const socket = join(folder, 'gate.sock');
  writeFileSync(
    join(home.work, 'notes.yaml'),
    'version: 1\nname: notes\nrules: [{ id: add, effect: allow, tools: ["notes/add"] }]\n',
  );
  const text = `version: 1\nlisten: { port: 0, socket: '${socket}' }\npolicies: [notes.yaml]\n`;
  await using _gateway = await startServing(home, { name: 'countersign.yaml', text });
  const gate = connectGate({
    url: 'http://localhost',
    apiKey: home.apiKey,
    fetch: createNodeFetch({ socketPath: socket }),
  });
  const call = {
    server: 'notes',
    tool: 'add',
    arguments: { text: 'hello' },
    definition: { name: 'add', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
  };
  const ran = await gate.run(call, ({ text: said }) => Promise.resolve({ said }));
  expect(ran).toMatchObject({ kind: 'done', result: { said: 'hello' } });
});
