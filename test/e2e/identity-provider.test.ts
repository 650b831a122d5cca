import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import {
  audience,
  keyNamedBy,
  listen,
  misbehaviours,
  prover,
  startProviderGate,
  type Answered,
  type Listening,
  type Misbehaviour,
  type ProviderGate,
} from '../support/provider-gate.ts';

/** A whole gateway against a real OpenID Connect provider that changes its keys, dies, comes back and misbehaves while it is used. */

const worldsClock = Date.now.bind(Date);
const minute = 60_000;
/** How long the keys of an issuer are waited for, and what a busy machine may add to it. */
const loadTimeout = 5_000;
const slack = 4_000;
const crew = Array.from({ length: 4 }, (_, i) => `crew-${i}`);
const people = Object.fromEntries(crew.map((name) => [name, { roles: ['ot.operator'] }]));

let provider: IdentityProvider;
let machine: Listening;
/** For those who do nothing to the provider. */
let calm: ProviderGate;
let moves = 0;

beforeAll(async () => {
  provider = await startIdentityProvider({ people });
  await provider.control('lifetime', { seconds: 7_200 });
  machine = await listen((response) => {
    moves += 1;
    response.end('{"moved":true}');
  });
  calm = await startGate();
});

afterEach(() => void vi.restoreAllMocks());

afterAll(async () => {
  await calm[Symbol.asyncDispose]();
  await machine[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const startGate = (): Promise<ProviderGate> => startProviderGate(provider.issuer, machine.url);
const login = (person: string): Promise<string> => provider.login(person, audience);
const loginAll = (): Promise<readonly string[]> => Promise.all(crew.map(login));

const times = <T>(count: number, make: () => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: count }, make));

const codesOf = (answers: readonly Answered[]): ReadonlySet<string | undefined> =>
  new Set(answers.map(({ code }) => code));
const slowest = (answers: readonly Answered[]): number => Math.max(...answers.map(({ tookMs }) => tookMs));

/** Eight who call a few times a second each, until they are told to end; each time with another token of those there are by then. */
function keepCalling(gate: ProviderGate, first: readonly string[]) {
  const [tokens, answers, state] = [[...first], [] as Answered[], { turn: 0, ends: false }];
  const worker = async (): Promise<void> => {
    while (!state.ends) {
      state.turn += 1;
      answers.push(await gate.call(tokens[state.turn % tokens.length] ?? ''));
      await pause(200);
    }
  };
  const workers = times(8, worker);
  const end = async (): Promise<readonly Answered[]> => {
    state.ends = true;
    await workers;
    return answers;
  };
  return {
    with: (more: readonly string[]) => void tokens.push(...more),
    answered: () => answers.length,
    end,
    [Symbol.asyncDispose]: async (): Promise<void> => void (await end()),
  };
}

/** The gateway's clock, and that of whoever makes proofs, so much ahead of the world's from now on. */
function windClock(ms: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => worldsClock() + ms);
}

/** Until mocks are restored, no pause is over, however slow the machine is. */
function stopClock(): void {
  vi.spyOn(Date, 'now').mockReturnValue(worldsClock());
}

describe('an identity provider that changes its keys', () => {
  it('has no call of anybody refused, and is asked once for each change, however many call meanwhile', async () => {
    await using gate = await startGate();
    const old = await loginAll();
    await using calls = keepCalling(gate, old);
    await expect.poll(calls.answered).toBeGreaterThan(24);
    expect(gate.keysUrl.asked()).toBe(1);

    const seen = new Set(old.map(keyNamedBy));
    for (const changes of [1, 2]) {
      await provider.control('keys');
      const fresh = await loginAll();
      for (const token of fresh) seen.add(keyNamedBy(token));
      // The first that the gateway sees of the new key are eight at once.
      const first = await Promise.all([...fresh, ...fresh].map((token) => gate.call(token)));
      expect(codesOf(first)).toEqual(new Set([undefined]));
      calls.with(fresh);
      const [before, begun] = [calls.answered(), performance.now()];
      await expect.poll(calls.answered).toBeGreaterThan(before + 24);
      // For changes within one second nobody is asked twice.
      await expect.poll(() => performance.now() - begun).toBeGreaterThan(1_000);
      expect(seen.size).toBe(1 + changes);
      expect(gate.keysUrl.asked()).toBe(1 + changes);
    }

    const answers = await calls.end();
    expect(codesOf(answers)).toEqual(new Set([undefined]));
    expect(gate.keysUrl.atOnce()).toBe(1);
    expect(await gate.stated(answers.at(-1)!)).toMatchObject({
      verdict: 'ALLOW',
      principal: { agent: { id: gate.agent('planner') }, human: { roles: ['ot.operator'] } },
    });
  });

  it('and takes old ones back: they count for ten minutes, and what was verified with them five more', async () => {
    await using gate = await startGate();
    const [early, late, never] = [await login('ada'), await login('ada'), await login('ada')];
    expect((await gate.call(early)).code).toBeUndefined();
    await provider.control('keys', { only: true });

    windClock(10 * minute - 5_000);
    expect((await gate.call(late)).code).toBeUndefined();
    expect(gate.keysUrl.asked()).toBe(1);

    windClock(10 * minute);
    const refused = await gate.call(never);
    expect(refused.code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
    expect(await gate.stated(refused)).toMatchObject({
      verdict: 'DENY',
      reason: { code: 'HUMAN_TOKEN_KEY_UNKNOWN' },
    });
    expect((await gate.call(early)).code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
    expect((await gate.call(late)).code).toBeUndefined();

    windClock(15 * minute);
    expect((await gate.call(late)).code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
    expect((await gate.call(await login('ada'))).code).toBeUndefined();
  });

  it('and takes old ones back: once a new one is seen, only what was verified before goes on', async () => {
    await using gate = await startGate();
    const [used, unused] = [await login('ada'), await login('ben')];
    expect((await gate.call(used)).code).toBeUndefined();
    await provider.control('keys', { only: true });
    expect((await gate.call(await login('ada'))).code).toBeUndefined();
    expect((await gate.call(unused)).code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
    expect((await gate.call(used)).code).toBeUndefined();
    windClock(5 * minute);
    expect((await gate.call(used)).code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
  });

  it('is not asked more often than it should be for tokens of a key that is gone', async () => {
    await using gate = await startGate();
    const gone = await loginAll();
    await provider.control('keys', { only: true });
    await using calls = keepCalling(gate, gone);
    await expect.poll(calls.answered).toBeGreaterThan(64);
    const honest = await login('ada');
    expect((await gate.call(honest)).code).toBeUndefined();
    expect(codesOf(await calls.end())).toEqual(new Set(['HUMAN_TOKEN_KEY_UNKNOWN']));
    expect(gate.keysUrl.asked()).toBeLessThanOrEqual(1 + 4);
    expect(gate.keysUrl.atOnce()).toBe(1);
  });
});

describe('an identity provider that', () => {
  const dies = 'dies';
  const fails = [dies, ...(Object.keys(misbehaviours) as Misbehaviour[])] as const;

  const breakDown = async (how: (typeof fails)[number], gate: ProviderGate): Promise<void> => {
    if (how === dies) await provider.kill();
    else gate.keysUrl.behave(how);
  };
  /** On the same port, and knowing nothing any more; or as it should, with another key. */
  const comeBack = async (how: (typeof fails)[number], gate: ProviderGate): Promise<void> => {
    gate.keysUrl.behave();
    if (how !== dies) return provider.control('keys');
    provider = await startIdentityProvider({ people, port: Number(new URL(provider.issuer).port) });
    await provider.control('lifetime', { seconds: 7_200 });
  };

  it.each(fails)(
    '%s keeps nobody from calling whose key is known, and counts when it is back',
    async (how) => {
      await using gate = await startGate();
      expect((await gate.call(await login('ada'))).code).toBeUndefined();
      const known = await loginAll();
      await provider.control('keys');
      const unknown = await login('ada');
      await breakDown(how, gate);
      stopClock();

      await using calls = keepCalling(gate, known);
      const refused = await times(8, () => gate.call(unknown));
      expect(codesOf(refused)).toEqual(new Set(['HUMAN_TOKEN_KEY_UNKNOWN']));
      expect(slowest(refused)).toBeLessThan(loadTimeout + slack);
      // It is left alone now, so that nobody waits for it.
      const left = await gate.call(unknown);
      expect(left.code).toBe('HUMAN_TOKEN_KEY_UNKNOWN');
      expect(left.tookMs).toBeLessThan(slack);
      expect(gate.keysUrl.asked()).toBe(2);

      // Nobody is on the way while the clock jumps: a permit of before would be too old.
      const away = await calls.end();
      vi.restoreAllMocks();
      await using later = keepCalling(gate, known);
      await comeBack(how, gate);
      const begun = performance.now();
      const again = await login('ada');
      await expect.poll(async () => (await gate.call(again)).code, { interval: 100 }).toBeUndefined();
      expect(performance.now() - begun).toBeLessThan(1_000 + slack);

      const answers = [...away, ...(await later.end())];
      expect(codesOf(answers)).toEqual(new Set([undefined]));
      expect(slowest(answers)).toBeLessThan(slack);
      expect(gate.keysUrl.asked()).toBe(3);
      expect(gate.keysUrl.atOnce()).toBe(1);
      expect(await gate.stated(left)).toMatchObject({
        verdict: 'DENY',
        reason: { code: 'HUMAN_TOKEN_KEY_UNKNOWN' },
      });
      expect(await gate.stated(await gate.call(again))).toMatchObject({
        principal: { human: { subject: 'ada' } },
      });
    },
  );

  it('cannot be asked when the gateway starts makes all of its tokens unusable, until it can', async () => {
    await using gate = await startGate();
    const token = await login('ada');
    const moved = moves;
    gate.keysUrl.behave('answers 500');
    stopClock();
    const refused = await times(8, () => gate.call(token));
    expect(codesOf(refused)).toEqual(new Set(['HUMAN_TOKEN_KEYS_UNAVAILABLE']));
    expect(gate.keysUrl.asked()).toBe(1);
    expect(moves).toBe(moved);
    vi.restoreAllMocks();
    gate.keysUrl.behave();
    await expect.poll(async () => (await gate.call(token)).code, { interval: 100 }).toBeUndefined();
    expect(gate.keysUrl.asked()).toBe(2);
    expect(moves).toBe(moved + 1);
    expect((await gate.stated(refused[0]!)).verdict).toBe('DENY');
  });

  it('does not answer when its keys have grown old keeps nobody waiting longer than it is waited for', async () => {
    await using gate = await startGate();
    const [first, ...others] = await loginAll();
    expect((await gate.call(first!)).code).toBeUndefined();
    gate.keysUrl.behave('does not answer');
    windClock(10 * minute);
    const answers = await Promise.all(others.map((token) => gate.call(token)));
    expect(codesOf(answers)).toEqual(new Set([undefined]));
    expect(slowest(answers)).toBeLessThan(loadTimeout + slack);
    expect(gate.keysUrl.asked()).toBe(2);
    expect((await gate.stated(answers[0]!)).verdict).toBe('ALLOW');
  });
});

describe('a login that is bound to a key', () => {
  it('is of use with a proof for each call, and each of them once', async () => {
    const own = await prover();
    const token = await provider.login('ada', audience, await own.prove(`${provider.issuer}/token`));
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      cnf: { jkt: own.thumbprint },
    });
    const moved = moves;

    const proofs = await times(25, () => own.prove(calm.url, token));
    const waiting = [...proofs];
    const answers: Answered[] = [];
    await times(8, async () => {
      for (let proof = waiting.pop(); proof !== undefined; proof = waiting.pop())
        answers.push(await calm.call(token, { proof }));
    });
    expect(answers).toHaveLength(25);
    expect(codesOf(answers)).toEqual(new Set([undefined]));
    expect(moves).toBe(moved + 25);
    expect(await calm.stated(answers[0]!)).toMatchObject({
      verdict: 'ALLOW',
      principal: { human: { subject: 'ada', binding: 'dpop' } },
    });

    const replayed = await Promise.all(proofs.map((proof) => calm.call(token, { proof })));
    expect(codesOf(replayed)).toEqual(new Set(['HUMAN_TOKEN_PROOF_REPLAYED']));
    const twin = await own.prove(calm.url, token);
    const twins = await times(8, () => calm.call(token, { proof: twin }));
    expect(twins.filter(({ code }) => code === undefined)).toHaveLength(1);
    expect(moves).toBe(moved + 26);
    expect(await calm.stated(replayed[0]!)).toMatchObject({
      verdict: 'DENY',
      reason: { code: 'HUMAN_TOKEN_PROOF_REPLAYED' },
    });
  });

  it('is refused with a proof of another time, key, token or place, and without one', async () => {
    const [own, thief] = [await prover(), await prover()];
    const token = await provider.login('ada', audience, await own.prove(`${provider.issuer}/token`));
    const seconds = Math.floor(Date.now() / 1_000);
    const moved = moves;
    const wrong = [
      await own.prove(calm.url, token, { iat: seconds - 62 }),
      await own.prove(calm.url, token, { iat: seconds + 90 }),
      await own.prove(calm.url, await login('ada')),
      await own.prove(calm.url),
      await own.prove(`${provider.issuer}/token`, token),
      await thief.prove(calm.url, token),
    ];
    for (const proof of wrong)
      expect((await calm.call(token, { proof })).code).toBe('HUMAN_TOKEN_PROOF_INVALID');
    const bare = await calm.call(token);
    expect(bare.code).toBe('HUMAN_TOKEN_UNBOUND');
    expect((await calm.stated(bare)).verdict).toBe('DENY');
    expect(moves).toBe(moved);
  });

  it('needs no nonce: none is asked for, and one that comes changes nothing', async () => {
    const own = await prover();
    const token = await provider.login('ada', audience, await own.prove(`${provider.issuer}/token`));
    for (const more of [{}, { nonce: 'of another server' }]) {
      const answered = await calm.call(token, { proof: await own.prove(calm.url, token, more) });
      expect(answered.code).toBeUndefined();
      expect(answered.headers.get('dpop-nonce')).toBeNull();
    }
    expect((await calm.call(token)).headers.get('dpop-nonce')).toBeNull();
  });
});

describe('a person’s token that was handed on', () => {
  const exchange = (client: string, token: string, resource = audience): Promise<string> =>
    provider.token(client, `${client}-secret`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      resource,
    });

  it('is of use to the agent that it was handed to, and the verdict states both', async () => {
    const token = await exchange('planner', await login('ada'));
    const allowed = await calm.call(token);
    expect(await calm.stated(allowed)).toMatchObject({
      verdict: 'ALLOW',
      principal: {
        agent: { id: calm.agent('planner') },
        human: { issuer: provider.issuer, subject: 'ada', act: [{ subject: 'planner' }] },
      },
    });
    const other = await calm.call(token, { by: 'courier' });
    expect(other.code).toBe('ACTOR_REFUSED');
    expect(await calm.stated(other)).toMatchObject({
      verdict: 'DENY',
      reason: { code: 'ACTOR_REFUSED' },
      principal: { agent: { id: calm.agent('courier') } },
    });
  });

  it('twice is of use to the last of them alone, and the verdict states the chain', async () => {
    const token = await exchange('gate', await exchange('planner', await login('ada')));
    const moved = moves;
    const first = await calm.call(token, { by: 'planner' });
    expect(first.code).toBe('ACTOR_REFUSED');
    expect((await calm.stated(first)).verdict).toBe('DENY');
    expect(moves).toBe(moved);
    const last = await calm.call(token, { by: 'courier' });
    expect(await calm.stated(last)).toMatchObject({
      verdict: 'ALLOW',
      principal: {
        agent: { id: calm.agent('courier') },
        human: { subject: 'ada', act: [{ subject: 'gate' }, { subject: 'planner' }] },
      },
    });
  });

  it('to another place, or by a person who may not, is of no use here', async () => {
    const elsewhere = await exchange('planner', await login('ada'), 'https://other.test');
    expect((await calm.call(elsewhere)).code).toBe('HUMAN_TOKEN_AUDIENCE_REFUSED');
    const ben = await calm.call(await exchange('planner', await login('ben')));
    expect(ben.code).toBe('NO_RULE_ALLOWS');
    expect(await calm.stated(ben)).toMatchObject({
      verdict: 'DENY',
      principal: { human: { subject: 'ben', act: [{ subject: 'planner' }] } },
    });
  });
});
