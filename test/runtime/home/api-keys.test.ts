import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listRevocations } from '../../../src/gate/revoke.ts';
import type { Principal } from '../../../src/identity/principal.ts';
import { asApiKeyWriter } from '../../../src/runtime/home/api-key-lock.ts';
import {
  apiKeyState,
  createApiKey,
  listApiKeys,
  markRevoked,
  revokeApiKey,
  rotateApiKey,
  type AfterStep,
} from '../../../src/runtime/home/api-keys.ts';
import { homeAuthenticator } from '../../../src/runtime/home/governance.ts';
import type { Home } from '../../../src/runtime/home/open-home.ts';
import { withHome } from '../../../src/runtime/home/with-home.ts';
import { workerSecrets } from '../../../src/runtime/home/worker-secrets.ts';
import { envelopesOf, madeHome, refusals, type MadeHome } from '../made-home.ts';

let made: MadeHome;
let home: Home;
let original: string;

beforeAll(async () => {
  made = await madeHome();
  home = made.open();
  original = readFileSync(home.layout.apiKeys, 'utf8');
});
beforeEach(() => writeFileSync(home.layout.apiKeys, original));
afterAll(() => made[Symbol.dispose]());

const scope = { tenant: 'default', agents: ['planner'], tools: ['files/read_*'], cidrs: ['10.0.0.0/8'] };
const day = 86_400_000;

/** What the log says of keys, without the time: the whole document that was signed. */
function stated(of = home): Promise<readonly Record<string, unknown>[]> {
  return withHome(of, async ({ ledger }) => {
    const entries = await ledger.entries(0, 1_000);
    return entries.flatMap(({ payload }) => {
      const { predicate } = JSON.parse(Buffer.from(payload).toString()) as {
        predicate: { change?: Record<string, unknown> };
      };
      return predicate.change?.['kind']?.toString().startsWith('api-key-') ? [predicate.change] : [];
    });
  });
}

/** Runs a change that a crash ends after this step. */
async function crash(step: string, change: (after: AfterStep) => Promise<unknown>): Promise<void> {
  const dies: AfterStep = (reached) => {
    if (reached === step) throw new Error(`It died: ${step}`);
  };
  await expect(change(dies)).rejects.toThrow(`It died: ${step}`);
}

const asks = async (apiKey: string, now = Date.now()): Promise<Principal> =>
  homeAuthenticator(home).authenticate({ apiKey, peer: { address: '10.1.2.3' } }, now);

const refusedWith = (code: string) => expect.objectContaining({ code }) as unknown as Error;

describe('a key that is made', () => {
  it('works, and is kept as what it is for, without itself', async () => {
    const { apiKey, record } = await createApiKey(home, scope);
    expect(await asks(apiKey)).toMatchObject({ apiKeyId: record.id, tenant: 'default' });
    expect(listApiKeys(home.layout).at(-1)).toEqual(record);
    expect(record).toMatchObject({ ...scope, status: 'active' });
    expect(readFileSync(home.layout.apiKeys, 'utf8')).not.toContain(apiKey.slice(8, 30));
    expect(statSync(home.layout.apiKeys).mode & 0o777).toBe(0o600);
  });

  it('is stated in the log with its scope, and with neither key nor digest', async () => {
    const { apiKey, record } = await createApiKey(home, { ...scope, notAfter: '2030-01-01T00:00:00.000Z' });
    const last = (await stated()).at(-1);
    expect(last).toEqual({
      kind: 'api-key-created',
      id: record.id,
      ...scope,
      notAfter: '2030-01-01T00:00:00.000Z',
    });
    expect(JSON.stringify(last)).not.toContain(record.digest);
    expect(JSON.stringify(last)).not.toContain(apiKey);
  });

  it('is in the log before it works: a crash between leaves a statement, and no key', async () => {
    const before = listApiKeys(home.layout);
    await crash('stated', (after) => createApiKey(home, scope, after));
    expect(listApiKeys(home.layout)).toEqual(before);
    expect((await stated()).at(-1)).toMatchObject({ kind: 'api-key-created' });
    const { apiKey } = await createApiKey(home, scope);
    expect(await asks(apiKey)).toBeDefined();
  });

  it('is not made where the log cannot state it', async () => {
    const locked = made.copy();
    const before = listApiKeys(locked.layout);
    rmSync(locked.layout.ledger);
    await expect(createApiKey(locked, scope)).rejects.toThrow(refusedWith('LEDGER_MISSING'));
    expect(listApiKeys(locked.layout)).toEqual(before);
    rmSync(locked.layout.root, { recursive: true });
  });

  it('uses the newest pepper', async () => {
    const { peppers } = home.layout;
    const kept = readFileSync(peppers, 'utf8');
    const secret = Buffer.alloc(32, 9).toString('base64');
    writeFileSync(peppers, kept.replace(/\]\s*\}\s*$/, `, {"version": 7, "secret": "${secret}"}]}`));
    try {
      const { apiKey, record } = await createApiKey(home, scope);
      expect(record.pepperVersion).toBe(7);
      expect(await asks(apiKey)).toBeDefined();
    } finally {
      writeFileSync(peppers, kept);
    }
  });
});

describe('a key that is rotated', () => {
  it('has a successor of the same scope, and both count until the overlap ends', async () => {
    const old = await createApiKey(home, scope);
    const rotated = await rotateApiKey(home, { id: old.record.id, overlap: day });
    expect(rotated.record).toMatchObject(scope);
    expect(rotated.record.notAfter).toBeUndefined();
    const end = Date.parse(rotated.replaced.notAfter);
    expect(Math.abs(end - Date.now() - day)).toBeLessThan(60_000);
    expect(await asks(old.apiKey)).toMatchObject({ expiresAt: end });
    expect(await asks(rotated.apiKey)).toMatchObject({ apiKeyId: rotated.record.id });
    await expect(asks(old.apiKey, end)).rejects.toThrow(refusedWith('API_KEY_EXPIRED'));
    expect((await stated()).at(-1)).toEqual({
      kind: 'api-key-rotated',
      id: old.record.id,
      ...scope,
      notAfter: rotated.replaced.notAfter,
      successor: { id: rotated.record.id, ...scope },
    });
    const states = listApiKeys(home.layout).map((key) => apiKeyState(key, Date.now()));
    expect(states).toEqual(['active', 'ending', 'active']);
  });

  it('never gets more time by it, and its successor has as much as it was made with', async () => {
    const notAfter = new Date(Date.now() + 3_600_000).toISOString();
    const old = await createApiKey(home, { ...scope, notAfter });
    const { record, replaced } = await rotateApiKey(home, { id: old.record.id, overlap: day });
    expect(replaced.notAfter).toBe(notAfter);
    const life = (key: typeof record): number => Date.parse(key.notAfter ?? '') - Date.parse(key.createdAt);
    expect(Math.abs(life(record) - life(old.record))).toBeLessThan(5);
  });

  it('ends at once without an overlap', async () => {
    const old = await createApiKey(home, scope);
    await rotateApiKey(home, { id: old.record.id, overlap: 0 });
    await expect(asks(old.apiKey)).rejects.toThrow(refusedWith('API_KEY_EXPIRED'));
  });

  it('is as it was after a crash, and is rotated by the same command', async () => {
    const old = await createApiKey(home, scope);
    const rotation = { id: old.record.id, overlap: 0 };
    await crash('stated', (after) => rotateApiKey(home, rotation, after));
    expect(listApiKeys(home.layout).at(-1)).toEqual(old.record);
    expect(await asks(old.apiKey)).toBeDefined();
    const { apiKey, record } = await rotateApiKey(home, rotation);
    expect(await asks(apiKey)).toBeDefined();
    expect((await stated()).at(-1)).toMatchObject({ kind: 'api-key-rotated', successor: { id: record.id } });
  });

  it('is not rotated again, nor is one that ended or was revoked: none of them hands anything on', async () => {
    const rotate = (id: string) => rotateApiKey(home, { id, overlap: day });
    const old = await createApiKey(home, scope);
    await rotate(old.record.id);
    await expect(rotate(old.record.id)).rejects.toThrow(refusedWith('USAGE'));
    const ended = await createApiKey(home, { ...scope, notAfter: new Date().toISOString() });
    await expect(rotate(ended.record.id)).rejects.toThrow(refusedWith('API_KEY_EXPIRED'));
    await revokeApiKey(home, old.record.id);
    await expect(rotate(old.record.id)).rejects.toThrow(refusedWith('API_KEY_REVOKED'));
    await expect(rotate('key-nobody')).rejects.toThrow(refusedWith('NOT_FOUND'));
  });
});

describe('a key that is revoked', () => {
  it('is refused from the next call on by whoever has the home open, and stated once', async () => {
    const { apiKey, record } = await createApiKey(home, scope);
    const gate = homeAuthenticator(home);
    const ask = async () => gate.authenticate({ apiKey, peer: { address: '10.1.2.3' } }, Date.now());
    expect(await ask()).toBeDefined();
    expect(await revokeApiKey(home, record.id)).toMatchObject({
      record: { status: 'revoked' },
      stated: true,
    });
    await expect(ask()).rejects.toThrow(refusedWith('API_KEY_REVOKED'));
    await revokeApiKey(home, record.id);
    const about = (await stated()).filter(({ id }) => id === record.id);
    expect(about.map(({ kind }) => kind)).toEqual(['api-key-created', 'api-key-revoked']);
    const revoked = await withHome(home, ({ ledger }) => listRevocations(ledger));
    expect(revoked.filter(({ id }) => id === record.id)).toMatchObject([{ kind: 'key', by: 'operator' }]);
  });

  it('is dead before the log knows: after a crash the same command states it', async () => {
    const { apiKey, record } = await createApiKey(home, scope);
    await crash('written', (after) => revokeApiKey(home, record.id, after));
    await expect(asks(apiKey)).rejects.toThrow(refusedWith('API_KEY_REVOKED'));
    expect((await stated()).at(-1)).toMatchObject({ kind: 'api-key-created' });
    await revokeApiKey(home, record.id);
    expect((await stated()).at(-1)).toMatchObject({ kind: 'api-key-revoked', id: record.id });
  });

  it('is dead where the log cannot be written at all, and the command says both', async () => {
    const broken = made.copy();
    rmSync(broken.layout.ledger);
    const [first] = listApiKeys(broken.layout);
    const revoking = revokeApiKey(broken, first?.id ?? '');
    await expect(revoking).rejects.toThrow(refusedWith('LEDGER_MISSING'));
    await expect(revoking).rejects.toThrow(/is revoked, and the log does not state it yet/);
    expect(listApiKeys(broken.layout)[0]?.status).toBe('revoked');
    rmSync(broken.layout.root, { recursive: true });
  });

  it('is dead after any crash in a rotation of it too', async () => {
    const { apiKey, record } = await createApiKey(home, scope);
    await crash('stated', (after) => rotateApiKey(home, { id: record.id, overlap: day }, after));
    await revokeApiKey(home, record.id);
    await expect(asks(apiKey)).rejects.toThrow(refusedWith('API_KEY_REVOKED'));
    expect((await stated()).at(-1)).toMatchObject({ kind: 'api-key-revoked' });
  });
});

describe('what the log states of keys', () => {
  it('verifies as everything else in it', async () => {
    using other = await madeHome();
    const theirs = other.open();
    const { record } = await createApiKey(theirs, { ...scope, notAfter: '2090-01-01T00:00:00.000Z' });
    await rotateApiKey(theirs, { id: record.id, overlap: day });
    await revokeApiKey(theirs, record.id);
    const changes = (await envelopesOf(theirs)).filter(({ kind }) => kind === 'change');
    expect(changes).toHaveLength(4);
    expect(await refusals(theirs, ...changes.map(({ text }) => text))).toEqual([]);
  });
});

describe('the keys’ file', () => {
  it('never becomes one that is not read: a scope that nobody checked is not written', async () => {
    const before = listApiKeys(home.layout);
    await expect(createApiKey(home, { ...scope, agents: ['*'] })).rejects.toThrow(
      refusedWith('API_KEY_STORE_UNREADABLE'),
    );
    expect(listApiKeys(home.layout)).toEqual(before);
  });

  it('loses nothing to writers at the same moment', async () => {
    const [first] = listApiKeys(home.layout);
    const made = await Promise.all([
      ...Array.from({ length: 4 }, () => createApiKey(home, scope)),
      markRevoked(home.layout, first?.id ?? ''),
    ]);
    const ids = made.map((each) => ('record' in each ? each.record.id : each.id));
    const kept = listApiKeys(home.layout);
    expect(kept.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(kept[0]?.status).toBe('revoked');
  });

  it('is not waited for without end', async () => {
    await asApiKeyWriter(home.layout, async () => {
      const second = asApiKeyWriter(home.layout, () => Promise.resolve(), 50);
      await expect(second).rejects.toThrow(refusedWith('HOME_IN_USE'));
    });
    await asApiKeyWriter(home.layout, () => Promise.resolve());
  });

  it('is whole when a writer died before it was done, and the next one clears up', async () => {
    const draft = `${home.layout.apiKeys}.new`;
    writeFileSync(draft, '{"keys": [{"id"');
    const { record } = await createApiKey(home, scope);
    expect(listApiKeys(home.layout).map(({ id }) => id)).toContain(record.id);
    expect(existsSync(draft)).toBe(false);
  });

  it('denies every call while it cannot be had, and counts again when it can', async () => {
    const { apiKey } = await createApiKey(home, scope);
    const gate = homeAuthenticator(home);
    const ask = async () => gate.authenticate({ apiKey, peer: { address: '10.1.2.3' } }, Date.now());
    const { apiKeys } = home.layout;
    const whole = readFileSync(apiKeys, 'utf8');
    const unreadable = refusedWith('API_KEY_STORE_UNREADABLE');
    expect(await ask()).toBeDefined();
    for (const text of ['', whole.slice(0, -9), whole.replaceAll('"active"', '"paused"')]) {
      writeFileSync(apiKeys, text);
      await expect(ask()).rejects.toThrow(unreadable);
    }
    rmSync(apiKeys);
    await expect(ask()).rejects.toThrow(unreadable);
    mkdirSync(apiKeys);
    await expect(ask()).rejects.toThrow(unreadable);
    rmSync(apiKeys, { recursive: true });
    writeFileSync(apiKeys, whole);
    expect(await ask()).toBeDefined();
  });

  it('is not written over while it cannot be read', async () => {
    const damaged = original.replace('"active"', '"paused"');
    writeFileSync(home.layout.apiKeys, damaged);
    await expect(createApiKey(home, scope)).rejects.toThrow(refusedWith('API_KEY_STORE_UNREADABLE'));
    expect(readFileSync(home.layout.apiKeys, 'utf8')).toBe(damaged);
  });

  it('has keys of before, which name one agent', async () => {
    writeFileSync(home.layout.apiKeys, original.replace(/"agents": \[[^\]]*\]/, '"agent": "default"'));
    const [first] = listApiKeys(home.layout);
    expect(first?.agents).toEqual(['default']);
    await revokeApiKey(home, first?.id ?? '');
    expect(listApiKeys(home.layout)[0]).toMatchObject({ agents: ['default'], status: 'revoked' });
  });
});

describe('a home whose log a Worker keeps', () => {
  it('has keys made and revoked in its file, and says that nothing is stated', async () => {
    using moved = await madeHome();
    const theirs = moved.open();
    await workerSecrets(theirs);
    const { record, stated: isStated } = await createApiKey(theirs, scope);
    expect(isStated).toBe(false);
    expect(await revokeApiKey(theirs, record.id)).toMatchObject({ stated: false });
    const secrets = Object.values(await workerSecrets(theirs)).join();
    expect(secrets).toContain(record.id);
    expect(secrets).toContain('"status":"revoked"');
  });
});
