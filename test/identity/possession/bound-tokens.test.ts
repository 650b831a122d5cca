import { calculateJwkThumbprint } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  authenticate,
  certified,
  holder,
  mdmKey,
  ofProgram,
  over,
  people,
  posture,
  programs,
  proofFor,
  setUp,
  thumbprintOf,
} from '../believed.ts';
import { audience, goodClaims, seconds, sign, type Claims } from '../tokens/tokens.ts';

beforeAll(setUp);

describe('a token that is bound to a key', () => {
  const boundTo = (cnf: Claims) => sign(people, { ...goodClaims, cnf });

  it('counts for whoever proves to have the key, again on every call', async () => {
    const humanToken = await boundTo({ jkt: holder.jkt });
    for (const _ of ['first', 'second']) {
      const humanProof = await proofFor(humanToken);
      expect((await authenticate({ humanToken, humanProof })).human?.value.binding).toBe('dpop');
    }
    expect((await authenticate({ humanToken })).refusal?.code).toBe('HUMAN_TOKEN_UNBOUND');
  });

  it('is the same for an agent’s token', async () => {
    const agentToken = await sign(programs, { ...ofProgram, cnf: { jkt: holder.jkt } });
    const agentProof = await proofFor(agentToken);
    expect((await authenticate({ agentToken, agentProof })).agent.value.binding).toBe('dpop');
    expect((await authenticate({ agentToken })).refusal?.code).toBe('AGENT_TOKEN_UNBOUND');
    expect((await authenticate({ agentToken, humanProof: await proofFor(agentToken) })).refusal?.code).toBe(
      'AGENT_TOKEN_UNBOUND',
    );
  });

  it('has its proof read once for one request, and refused for another', async () => {
    const humanToken = await boundTo({ jkt: holder.jkt });
    const humanProof = await proofFor(humanToken);
    const codes = [humanProof, humanProof, { ...humanProof }].map(
      async (proof) => (await authenticate({ humanToken, humanProof: proof })).refusal?.code,
    );
    expect(await Promise.all(codes)).toEqual([undefined, undefined, 'HUMAN_TOKEN_PROOF_REPLAYED']);
  });

  it.each<[string, Claims]>([
    ['for another token', { ath: 'x' }],
    ['for another method', { htm: 'GET' }],
    ['for another URL', { htu: `${audience}/mcp` }],
    ['of yesterday', { iat: seconds - 86_400 }],
  ])('is refused with a proof %s', async (_, changes) => {
    const humanToken = await boundTo({ jkt: holder.jkt });
    const humanProof = await proofFor(humanToken, changes);
    expect((await authenticate({ humanToken, humanProof })).refusal?.code).toBe('HUMAN_TOKEN_PROOF_INVALID');
  });

  it('is refused with the proof of another key', async () => {
    const humanToken = await boundTo({ jkt: await calculateJwkThumbprint(people.jwk) });
    const humanProof = await proofFor(humanToken);
    expect((await authenticate({ humanToken, humanProof })).refusal?.code).toBe('HUMAN_TOKEN_PROOF_INVALID');
  });

  it('is bound to the connection where it names its certificate, whoever that is of', async () => {
    const humanToken = await boundTo({ 'x5t#S256': thumbprintOf(certified.device) });
    const { human } = await authenticate({ humanToken, peer: over(certified.device) });
    expect(human?.value.binding).toBe('mtls');
    for (const peer of [undefined, { address: '10.0.0.1' }, over(certified.planner)])
      expect((await authenticate({ humanToken, peer })).refusal?.code).toBe('HUMAN_TOKEN_UNBOUND');
  });

  it('needs both where it is bound to both', async () => {
    const cnf = { jkt: holder.jkt, 'x5t#S256': thumbprintOf(certified.planner) };
    const humanToken = await boundTo(cnf);
    const peer = over(certified.planner);
    const humanProof = await proofFor(humanToken);
    expect((await authenticate({ humanToken, humanProof })).refusal?.code).toBe('HUMAN_TOKEN_UNBOUND');
    expect((await authenticate({ humanToken, peer })).refusal?.code).toBe('HUMAN_TOKEN_UNBOUND');
    expect((await authenticate({ humanToken, peer, humanProof })).human?.value.binding).toBe('mtls');
  });

  it('is refused in a way that nobody here can prove, whatever comes with it', async () => {
    const jkt = holder.jkt;
    const ways = [
      {},
      { kid: 'k' },
      { jwk: {} },
      { jkt, kid: 'k' },
      { jkt: `${jkt}=` },
      { jkt: 1 },
      { jku: 'x' },
      { jkt: '' },
    ];
    for (const cnf of ways) {
      const humanToken = await boundTo(cnf);
      const credentials = {
        humanToken,
        humanProof: await proofFor(humanToken),
        peer: over(certified.planner),
      };
      expect((await authenticate(credentials)).refusal?.code).toBe('HUMAN_TOKEN_UNBOUND');
    }
  });

  it('is not what an unbound one becomes by a proof, or by a certificate', async () => {
    const humanToken = await sign(people);
    const credentials = { humanToken, humanProof: await proofFor(humanToken), peer: over(certified.planner) };
    expect((await authenticate(credentials)).human?.value.binding).toBe('none');
  });

  it('cannot be a device’s by a proof: nobody sends one for it', async () => {
    const deviceToken = await sign(mdmKey, { ...posture, cnf: { jkt: holder.jkt } });
    const humanProof = await proofFor(deviceToken);
    expect((await authenticate({ deviceToken, humanProof })).refusal?.code).toBe('DEVICE_TOKEN_UNBOUND');
  });
});
