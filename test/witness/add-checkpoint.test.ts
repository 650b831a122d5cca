import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clockTolerance } from '../../src/witness/add-checkpoint.ts';
import { maxRequestLength } from '../../src/witness/request.ts';
import { formatVkey } from '../../src/tlog/vkey.ts';
import { testKey } from '../tlog/test-keys.ts';
import { stores, testWitness } from './harness.ts';
import type { TestWitness } from './harness.ts';
import { requestOf, watchedLog } from './watched-log.ts';

const log = watchedLog();

describe.each(Object.entries(stores))('a witness with its state in %s', (_, open) => {
  let witness: TestWitness;
  let remove: () => void;
  beforeEach(() => {
    const opened = open();
    remove = opened.remove;
    witness = testWitness(opened.books);
    witness.books.addKey(log.origin, log.key.key);
  });
  afterEach(() => remove());

  const known = (size: number) => ({ status: 409, type: 'text/x.tlog.size', text: `${size}\n` });
  const latest = () => witness.books.logs().find(({ origin }) => origin === log.origin)?.latest;
  const reached = async (size: number): Promise<void> => {
    expect(await witness.add(log.request(0, size))).toMatchObject({ status: 200 });
  };

  it('cosigns the first checkpoint of a log that it follows, with no proof, at the time of its clock', async () => {
    const answer = await witness.add(log.request(0, 7));
    expect(witness.timeOf(answer, log.checkpoint(7))).toBe(1_800_000_000);
    expect(answer.text).toMatch(/^\u2014 witness\.example\.net\/w \S+\n$/);
    expect(latest()).toMatchObject({ size: 7, root: log.root(7), time: 1_800_000_000 });
  });

  it('cosigns every growth that is proven, and the same tree again', async () => {
    let before = 0;
    for (const size of [0, 0, 1, 2, 3, 3, 7, 8, 64, 100, 128, 129, 200]) {
      const answer = await witness.add(log.request(before, size));
      expect([size, witness.timeOf(answer, log.checkpoint(size))]).toEqual([size, 1_800_000_000]);
      before = size;
    }
    expect(witness.books.forks()).toEqual([]);
  });

  it('answers 404 for a log that it does not follow, however well its checkpoint is signed', async () => {
    expect(await witness.add(watchedLog('other.example.org').request(0, 3))).toMatchObject({ status: 404 });
    expect(witness.books.logs().map(({ origin }) => origin)).toEqual([log.origin]);
  });

  it('answers 403 when no trusted key signed', async () => {
    const stranger = watchedLog(log.origin);
    expect(await witness.add(stranger.request(0, 3))).toMatchObject({ status: 403 });
    // Another's signature under the name of the right key, and the right signature over another text.
    const text = log.checkpoint(3).replace('\n3\n', '\n4\n');
    expect(await witness.add(requestOf(0, [], text))).toMatchObject({ status: 403 });
    // A cosignature is no log signature, the witness's own included.
    expect(await witness.add(log.request(0, 3, [witness.key]))).toMatchObject({ status: 403 });
    expect(latest()).toBeNull();
  });

  it('answers 403 when a trusted key’s line does not verify beside one that does', async () => {
    const second = testKey(log.origin);
    witness.books.addKey(log.origin, second.key);
    const wrong = { ...second, line: (text: string) => second.line(`${text}x`) };
    expect(await witness.add(log.request(0, 3, [log.key, wrong]))).toMatchObject({ status: 403 });
    expect(await witness.add(log.request(0, 3, [wrong, log.key]))).toMatchObject({ status: 403 });
  });

  it('looks at one line of each key, and keeps no other', async () => {
    const wrong = { ...log.key, line: (text: string) => log.key.line(`${text}x`) };
    expect(await witness.add(log.request(0, 3, [wrong, log.key]))).toMatchObject({ status: 403 });
    expect(await witness.add(log.request(0, 3, [log.key, log.key, wrong]))).toMatchObject({ status: 200 });
    expect(latest()?.note).toBe(log.checkpoint(3));
  });

  it('takes a checkpoint of any of the log’s keys, or of both, and ignores what strangers added', async () => {
    const [second, stranger] = [testKey(log.origin), testKey(log.origin)];
    witness.books.addKey(log.origin, second.key);
    let before = 0;
    for (const by of [[log.key], [log.key, second], [second], [stranger, second, testKey('x')]]) {
      const answer = await witness.add(log.request(before, before + 1, by));
      before += 1;
      expect(witness.timeOf(answer, log.checkpoint(before, by))).toBe(1_800_000_000);
    }
    expect(latest()?.note).toBe(log.checkpoint(4, [second]));
    witness.books.removeKey(log.origin, log.key.key);
    expect(await witness.add(log.request(4, 5))).toMatchObject({ status: 403 });
  });

  it('follows a log whose origin is not its key’s name', async () => {
    const sum = watchedLog('go.sum database tree', testKey('sum.example.org'));
    witness.books.addKey(sum.origin, sum.key.key);
    expect(await witness.add(sum.request(0, 3))).toMatchObject({ status: 200 });
    expect(await witness.add(watchedLog('sum.example.org', sum.key).request(0, 3))).toMatchObject({
      status: 404,
    });
  });

  it('answers 400 to what is malformed, and when the old size is larger than the checkpoint’s', async () => {
    expect(await witness.add('old 0\n')).toMatchObject({ status: 400 });
    expect(await witness.add(Uint8Array.of(0xff, 0xfe))).toMatchObject({ status: 400 });
    expect(await witness.add('')).toMatchObject({ status: 400 });
    await reached(8);
    expect(await witness.add(log.request(8, 7))).toMatchObject({ status: 400 });
    expect(await witness.add(log.request(9, 8))).toMatchObject({ status: 400 });
  });

  it('answers 413 to what is too long to be a request', async () => {
    expect(await witness.add('x'.repeat(maxRequestLength + 1))).toMatchObject({ status: 413 });
  });

  it('answers 409 with the size that it knows, when the old size is another', async () => {
    expect(await witness.add(log.request(3, 8))).toEqual(known(0));
    await reached(8);
    expect(await witness.add(log.request(0, 20))).toEqual(known(8));
    expect(await witness.add(log.request(7, 20))).toEqual(known(8));
    expect(await witness.add(log.request(9, 20))).toEqual(known(8));
    // An old checkpoint again, as anybody may send it: no suspicion.
    expect(await witness.add(log.request(0, 5))).toEqual(known(8));
    expect(witness.books.forks()).toEqual([]);
    expect(latest()?.size).toBe(8);
  });

  it('answers 422 to a proof that does not lead there, or where there is none to give', async () => {
    expect(await witness.add(requestOf(0, [log.root(1)], log.checkpoint(3)))).toMatchObject({ status: 422 });
    await reached(6);
    const wrong = [[], log.proof(5, 9), log.proof(6, 10), [...log.proof(6, 9), log.root(1)]];
    for (const proof of wrong)
      expect(await witness.add(requestOf(6, proof, log.checkpoint(9)))).toMatchObject({ status: 422 });
    expect(await witness.add(requestOf(6, [log.root(1)], log.checkpoint(6)))).toMatchObject({ status: 422 });
    expect(latest()?.size).toBe(6);
  });

  it('never states a time before one that it has stated, and refuses when its clock was set far back', async () => {
    await reached(5);
    witness.now -= 1_000 * clockTolerance;
    const answer = await witness.add(log.request(5, 6));
    expect(witness.timeOf(answer, log.checkpoint(6))).toBe(1_800_000_000);
    witness.now -= 1_000;
    expect(await witness.add(log.request(6, 7))).toMatchObject({ status: 503 });
    expect(latest()?.size).toBe(6);
    // Another log has its own time.
    const other = watchedLog('other.example.org');
    witness.books.addKey(other.origin, other.key.key);
    expect(await witness.add(other.request(0, 1))).toMatchObject({ status: 200 });
    witness.now += 60_000;
    expect(await witness.add(log.request(6, 7))).toMatchObject({ status: 200 });
  });

  it('cosigns one of many that come at once', async () => {
    await reached(5);
    const fork = log.fork(5);
    const requests = [6, 7, 8, 9, 10].flatMap((size) => [log.request(5, size), fork.request(5, size)]);
    const answers = await Promise.all(requests.map((request) => witness.add(request)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9);
  });

  it('remembers a log that was removed: it cannot come back with another history', async () => {
    await reached(5);
    witness.books.removeKey(log.origin, log.key.key);
    expect(await witness.add(log.request(5, 6))).toMatchObject({ status: 404 });
    witness.books.addKey(log.origin, log.key.key);
    expect(await witness.add(log.fork(3).request(0, 6))).toEqual(known(5));
    expect(await witness.add(log.request(5, 6))).toMatchObject({ status: 200 });
  });

  it('tells its operator one thing of each answer, and nothing of what was proven', async () => {
    await witness.add(log.request(0, 2));
    await witness.add(log.request(0, 3));
    await witness.add('old');
    expect(witness.answered).toEqual([
      { status: 200, finding: 'cosigned', origin: log.origin, oldSize: 0, size: 2, forks: [] },
      { status: 409, finding: 'old-size-differs', origin: log.origin, oldSize: 0, size: 3, forks: [] },
      { status: 400, finding: 'malformed' },
    ]);
  });
});

describe('a witness’s pages', () => {
  const witness = testWitness(stores.memory().books);

  it('say what it is and which key it has', async () => {
    const response = await witness.request('/');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toContain(formatVkey(witness.key.key));
  });

  it('answer 405 to submissions that are no POST, since 404 would say that a log is unknown', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await witness.request('/add-checkpoint', { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });
});

describe('a witness whose store fails', () => {
  it('signs nothing: 503, and the operator is told the code', async () => {
    const { books } = stores.memory();
    books.addKey(log.origin, log.key.key);
    const failing = { ...books, step: () => Promise.reject(new Error('the disk')) };
    const witness = testWitness(failing);
    expect(await witness.add(log.request(0, 3))).toMatchObject({ status: 503 });
    expect(witness.answered).toMatchObject([{ status: 503, finding: 'store-failed', code: 'INTERNAL' }]);
  });
});
