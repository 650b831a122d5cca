import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import { createWitnesses } from '../../src/ledger/witnesses.ts';
import type { WitnessAddress } from '../../src/ledger/witness-client.ts';
import { leafHash, verifyInclusion } from '../../src/tlog/merkle.ts';
import { cosignatureTime, formatNote, parseNote, signaturesBy } from '../../src/tlog/note.ts';
import type { NoteSignature } from '../../src/tlog/note.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import type { VerifierKey } from '../../src/tlog/vkey.ts';
import { honestWitness, lyingWitness } from '../support/http-witness.ts';
import type { HttpWitness, Submitted } from '../support/http-witness.ts';
import { testKey } from '../tlog/test-keys.ts';
import { draftOf } from './drafts.ts';
import { testLog } from './log-key.ts';

const log = testLog('log.test');
const logKey: VerifierKey = {
  name: log.origin,
  type: signatureTypes.ed25519,
  publicKey: log.signer.publicKey.slice(-32),
};
const never = new AbortController().signal;

/** Every ledger of these tests has the same origin and key: two of them are one log that forked. */
async function ledgerOf(size: number): Promise<Ledger> {
  const store = memoryStore(log.identity);
  const released = forgetfulCheckpoints();
  const ledger = await createLedger({ store, signer: log.signer, origin: log.origin, released });
  await grow(ledger, size);
  return ledger;
}

function grow(ledger: Ledger, by: number): Promise<unknown> {
  return Promise.all(Array.from({ length: by }, () => ledger.append(draftOf())));
}

function witnessesOf(ledger: Ledger, ...witnesses: readonly { readonly address: WitnessAddress }[]) {
  const warnings: string[] = [];
  const asking = createWitnesses({
    log: ledger,
    witnesses: witnesses.map(({ address }) => address),
    warn: (sentence) => warnings.push(sentence),
  });
  return { ...asking, warnings };
}

function hurried({ address }: HttpWitness): { readonly address: WitnessAddress } {
  return { address: { ...address, timeout: 300 } };
}

function timeIn(checkpoint: string, key: VerifierKey): number | undefined {
  const note = parseNote(checkpoint);
  return note && cosignatureTime(note, key);
}

describe('a cosigned head', () => {
  it('covers what is durable, and carries the line of the witness behind that of the log', async () => {
    const ledger = await ledgerOf(7);
    await using witness = await honestWitness(logKey);
    const head = await witnessesOf(ledger, witness).cosigned(1, never);
    expect(head.size).toBe(7);
    expect(head.checkpoint.startsWith((await ledger.checkpoint())?.text ?? 'nothing')).toBe(true);
    expect(Math.abs((timeIn(head.checkpoint, witness.key) ?? 0) * 1_000 - Date.now())).toBeLessThan(60_000);

    const { logIndex, treeSize, rootHash, hashes, checkpoint } = await ledger.prove(3, head);
    const [entry] = await ledger.entries(3, 4);
    const leaf = leafHash(entry?.leaf ?? new Uint8Array());
    expect(checkpoint).toBe(head.checkpoint);
    expect(verifyInclusion({ index: logIndex, size: treeSize, root: rootHash, hashes, leafHash: leaf })).toBe(
      true,
    );
  });

  it('is still one that entries are proved under when the log has grown', async () => {
    const ledger = await ledgerOf(5);
    await using witness = await honestWitness(logKey);
    const head = await witnessesOf(ledger, witness).cosigned(1, never);
    await grow(ledger, 300);
    expect(await ledger.prove(4, head)).toMatchObject({ logIndex: 4, treeSize: 5, rootHash: head.root });
    await expect(ledger.prove(5, head)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const forged = { ...head, root: new Uint8Array(32) };
    await expect(ledger.prove(4, forged)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });

  it('is asked for once by all who wait at the same time', async () => {
    const ledger = await ledgerOf(1);
    await using witness = await honestWitness(logKey);
    const { cosigned } = witnessesOf(ledger, witness);
    const waiting = Array.from({ length: 50 }, async () => {
      const { logIndex } = await ledger.append(draftOf());
      return { logIndex, head: await cosigned(1, never) };
    });
    for (const { logIndex, head } of await Promise.all(waiting)) expect(head.size).toBeGreaterThan(logIndex);
    expect(witness.answered.length).toBeLessThanOrEqual(4);
  });

  it('costs one request once it is known how much the witness has seen', async () => {
    const ledger = await ledgerOf(3);
    await using witness = await honestWitness(logKey);
    const { cosigned } = witnessesOf(ledger, witness);
    for (const by of [0, 1, 300, 0]) {
      await grow(ledger, by);
      await cosigned(1, never);
    }
    expect(witness.answered.map(({ status, oldSize, size }) => [status, oldSize, size])).toEqual([
      [200, 0, 3],
      [200, 3, 4],
      [200, 4, 304],
      [200, 304, 304],
    ]);
  });

  it('is had from a witness that knows the log from an earlier process', async () => {
    const ledger = await ledgerOf(3);
    await using witness = await honestWitness(logKey);
    await witnessesOf(ledger, witness).cosigned(1, never);
    await grow(ledger, 2);
    await witnessesOf(ledger, witness).cosigned(1, never);
    expect(witness.answered.map(({ status, size }) => [status, size])).toEqual([
      [200, 3],
      [409, 5],
      [200, 5],
    ]);
  });

  it('is the newest one when another gate of the log has shown the witness more', async () => {
    const ledger = await ledgerOf(3);
    await using witness = await honestWitness(logKey);
    const other = witnessesOf(ledger, witness);
    // The head that is read first is old by the time that the witness is asked.
    let reads = 0;
    const behind: Ledger = {
      ...ledger,
      async checkpoint() {
        const head = await ledger.checkpoint();
        if (++reads > 1) return head;
        await grow(ledger, 4);
        await other.cosigned(1, never);
        return head;
      },
    };
    expect((await witnessesOf(behind, witness).cosigned(1, never)).size).toBe(7);
  });

  it('has as many witnesses as were demanded, and all when all are asked for', async () => {
    const ledger = await ledgerOf(3);
    await using first = await honestWitness(logKey, 'witness.test/1');
    await using second = await honestWitness(logKey, 'witness.test/2');
    const witnesses = witnessesOf(ledger, first, second);
    expect(witnesses.count).toBe(2);
    const { checkpoint } = await witnesses.cosigned(2, never);
    for (const { key } of [first, second]) expect(timeIn(checkpoint, key)).toBeDefined();
    await expect(witnesses.cosigned(3, never)).rejects.toMatchObject({ code: 'WITNESS_UNAVAILABLE' });
    const { head, answers } = await witnesses.askAll();
    expect(answers.map(({ answer }) => answer.kind)).toEqual(['cosigned', 'cosigned']);
    expect(parseNote(head.checkpoint)?.signatures.length).toBe(3);
  });

  it('does not wait for a witness that is not needed', async () => {
    const ledger = await ledgerOf(3);
    await using honest = await honestWitness(logKey);
    await using hanging = await lyingWitness(() => undefined);
    const { cosigned } = witnessesOf(ledger, hanging, honest);
    for (let round = 0; round < 3; round += 1) expect((await cosigned(1, never)).size).toBe(3);
  });

  it('is not waited for any longer than the caller wants', async () => {
    const ledger = await ledgerOf(3);
    await using hanging = await lyingWitness(() => undefined);
    const caller = new AbortController();
    const waiting = witnessesOf(ledger, hanging).cosigned(1, caller.signal);
    caller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(witnessesOf(ledger, hanging).cosigned(1, caller.signal)).rejects.toThrow('enough');
  });

  it('does not exist while the log is empty', async () => {
    const ledger = await ledgerOf(0);
    await using witness = await honestWitness(logKey);
    const witnesses = witnessesOf(ledger, witness);
    await expect(witnesses.cosigned(1, never)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(witnesses.askAll()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

const lines = (...signatures: readonly NoteSignature[]): string =>
  formatNote({ text: '', signatures }).replace(/^\n/, '');
const seconds = (offset = 0): bigint => BigInt(Math.floor(Date.now() / 1_000) + offset);
const stranger = testKey('witness.test/liar', signatureTypes.cosignatureV1);

type Lie = (submitted: Submitted, response: ServerResponse) => void;

const lies: readonly (readonly [string, Lie])[] = [
  ['says nothing', (_, response) => response.end()],
  ['says anything', (_, response) => response.end('— not a note\n')],
  [
    'signs another text',
    ({ key, text }, to) => to.end(lines(key.line(text.replace('log', 'lag'), seconds()))),
  ],
  ['signs with another key', ({ text }, to) => to.end(lines(stranger.line(text, seconds())))],
  [
    'signs as a log does',
    ({ key, text }, to) => to.end(lines({ ...key.line(text), signature: new Uint8Array(64) })),
  ],
  [
    'signs twice',
    ({ key, text }, to) => to.end(lines(key.line(text, seconds()), key.line(text, seconds(1)))),
  ],
  ['signs for yesterday', ({ key, text }, to) => to.end(lines(key.line(text, seconds(-86_400))))],
  ['signs for tomorrow', ({ key, text }, to) => to.end(lines(key.line(text, seconds(86_400))))],
  [
    'signs more than the head, behind an empty line',
    ({ key, body, text }, to) => {
      const longer = body.slice(body.indexOf(text));
      to.end(`\n${lines(key.line(longer, seconds()))}`);
    },
  ],
  [
    'answers without end',
    (_, response) => {
      const write = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(write));
      };
      write();
    },
  ],
  ['redirects', (_, response) => response.writeHead(307, { location: '/elsewhere' }).end()],
  ['fails', (_, response) => response.writeHead(500).end()],
  ['does not know the log', (_, response) => response.writeHead(404).end()],
  ['does not know the key', (_, response) => response.writeHead(403).end()],
  ['breaks off', (_, response) => response.destroy()],
  ['refuses an empty proof', (_, response) => response.writeHead(422).end()],
  ['contradicts itself', ({ old }, response) => response.writeHead(409).end(`${old}\n`)],
  ['tells no size', (_, response) => response.writeHead(409).end('less')],
  ['tells another size each time', ({ old }, response) => response.writeHead(409).end(`${(old + 1) % 5}\n`)],
];

describe('a witness that', () => {
  it.each(lies)('%s does not count, and the honest one beside it does', async (_, lie) => {
    const ledger = await ledgerOf(9);
    await using liar = await lyingWitness(lie);
    await using honest = await honestWitness(logKey);
    const alone = witnessesOf(ledger, liar);
    await expect(alone.cosigned(1, never)).rejects.toMatchObject({ code: 'WITNESS_UNAVAILABLE' });
    expect(alone.warnings.join()).toContain(liar.key.name);
    const both = witnessesOf(ledger, liar, honest);
    const { checkpoint } = await both.cosigned(1, never);
    const note = parseNote(checkpoint);
    expect(note && signaturesBy(note, liar.key)).toEqual([]);
    await expect(both.cosigned(2, never)).rejects.toMatchObject({ code: 'WITNESS_UNAVAILABLE' });
  });

  it('hangs is given up', async () => {
    const ledger = await ledgerOf(3);
    await using hanging = await lyingWitness((_, response) => response.write('—'));
    const { cosigned } = witnessesOf(ledger, hurried(hanging));
    await expect(cosigned(1, never)).rejects.toMatchObject({ code: 'WITNESS_UNAVAILABLE' });
  });

  it('is not there fails at once', async () => {
    const ledger = await ledgerOf(3);
    const gone = await honestWitness(logKey);
    await gone[Symbol.asyncDispose]();
    const { cosigned } = witnessesOf(ledger, gone);
    await expect(cosigned(1, never)).rejects.toMatchObject({ code: 'WITNESS_UNAVAILABLE' });
  });

  it('adds lines of others is believed in its own alone', async () => {
    const ledger = await ledgerOf(3);
    await using witness = await lyingWitness(({ key, text }, to) =>
      to.end(lines(stranger.line(text, seconds()), key.line(text, seconds()))),
    );
    const { checkpoint } = await witnessesOf(ledger, witness).cosigned(1, never);
    expect(parseNote(checkpoint)?.signatures.map(({ name }) => name)).toEqual([log.origin, witness.key.name]);
    expect(timeIn(checkpoint, witness.key)).toBeDefined();
  });
});

describe('a witness that has seen another history', () => {
  it.each([
    ['of the same size', 6, 6],
    ['that is longer, as after a restored backup', 9, 6],
    ['that is shorter', 5, 6],
  ])('%s makes it LOG_FORKED, whatever others say, and the operator is told', async (_, seen, size) => {
    await using witness = await honestWitness(logKey, 'witness.test/saw-the-other');
    await using other = await honestWitness(logKey, 'witness.test/saw-nothing');
    await witnessesOf(await ledgerOf(seen), witness).cosigned(1, never);
    const both = witnessesOf(await ledgerOf(size), witness, other);
    await expect(both.cosigned(2, never)).rejects.toMatchObject({ code: 'LOG_FORKED' });
    expect(both.warnings.join()).toMatch(/LOG_FORKED: .*witness\.test\/saw-the-other/);
    // One that is fast and has seen nothing must not make up for it.
    await expect(both.cosigned(1, never)).rejects.toMatchObject({ code: 'LOG_FORKED' });
  });

  it('stands by it in silence, until it cosigns again', async () => {
    let lie: Lie = (_, response) => response.writeHead(409).end('1000\n');
    await using witness = await lyingWitness((...request) => lie(...request));
    await using honest = await honestWitness(logKey);
    const { cosigned } = witnessesOf(await ledgerOf(6), witness, honest);
    await expect(cosigned(2, never)).rejects.toMatchObject({ code: 'LOG_FORKED' });
    lie = (_, response) => response.writeHead(500).end();
    await expect(cosigned(1, never)).rejects.toMatchObject({ code: 'LOG_FORKED' });
    lie = ({ key, text }, response) => response.end(lines(key.line(text, seconds())));
    expect((await cosigned(2, never)).size).toBe(6);
    expect((await cosigned(1, never)).size).toBe(6);
  });

  it('is told apart from one that fails, to whoever asks all', async () => {
    await using witness = await honestWitness(logKey);
    await witnessesOf(await ledgerOf(4), witness).cosigned(1, never);
    const { answers } = await witnessesOf(await ledgerOf(4), witness).askAll();
    expect(answers.map(({ answer }) => answer.kind)).toEqual(['forked']);
  });
});
