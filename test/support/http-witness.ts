import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { VerifierKey } from '../../src/tlog/vkey.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import { createWitnessApp } from '../../src/witness/app.ts';
import type { Answered } from '../../src/witness/app.ts';
import { createMemoryWitnessStore } from '../../src/witness/memory-store.ts';
import { testKey } from '../tlog/test-keys.ts';
import type { TestKey } from '../tlog/test-keys.ts';

/** A witness behind HTTP on this machine. */
export interface HttpWitness extends AsyncDisposable {
  readonly url: string;
  readonly key: VerifierKey;
  readonly testKey: TestKey;
  readonly address: { readonly url: string; readonly key: VerifierKey; readonly timeout: number };
  /** What an honest one answered; empty for one that lies. */
  readonly answered: readonly Answered[];
}

/** Milliseconds: long enough for a busy machine. Tests of what hangs take a shorter one. */
const patience = 20_000;

/** The project's own witness, following one log. */
export async function honestWitness(log: VerifierKey, name = 'witness.test/honest'): Promise<HttpWitness> {
  const key = testKey(name, signatureTypes.cosignatureV1);
  const store = createMemoryWitnessStore();
  store.addKey(log.name, log);
  const answered: Answered[] = [];
  const app = createWitnessApp({
    name,
    signer: key.signer,
    store,
    clock: Date,
    onAnswer: (answer) => answered.push(answer),
  });
  return listen(createAdaptorServer({ fetch: app.fetch }) as Server, key, answered);
}

export interface Submitted {
  readonly body: string;
  readonly key: TestKey;
  /** The checkpoint's signed text. */
  readonly text: string;
  readonly size: number;
  readonly old: number;
}

/** One that answers as a test says. */
export function lyingWitness(
  answer: (submitted: Submitted, response: ServerResponse) => void,
  name = 'witness.test/liar',
): Promise<HttpWitness> {
  const key = testKey(name, signatureTypes.cosignatureV1);
  const server = createServer((request, response) => {
    void readBody(request).then((body) => answer(submitted(body, key), response));
  });
  return listen(server, key, []);
}

function submitted(body: string, key: TestKey): Submitted {
  const [head = '', ...rest] = body.split('\n\n');
  const text = `${rest[0] ?? ''}\n`;
  return { body, key, text, size: Number(text.split('\n')[1]), old: Number(/^old (\d+)/.exec(head)?.[1]) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function listen(server: Server, key: TestKey, answered: readonly Answered[]): Promise<HttpWitness> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    key: key.key,
    testKey: key,
    address: { url, key: key.key, timeout: patience },
    answered,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
