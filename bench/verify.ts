import { utf8 } from '../src/call/bytes.ts';
import { loadTrust, verifyInputs } from '../src/index.ts';
import { generateEcdsaKey, generateEd25519Key } from '../src/pki/signer-node.ts';
import { ecdsaRaw } from '../src/call/ecdsa-signature.ts';
import { importEd25519, importP256 } from '../src/verify/crypto.ts';
import { verifyEnvelope } from '../src/verify/envelope.ts';
import type { Trust } from '../src/verify/trust.ts';
import { testTrustSystem } from '../test/support/trust-system.ts';
import { allowedCall } from '../test/verify/calls.ts';
import { figure, type Figure } from './figure.ts';

/**
 * Envelopes verified, against the bare cost of their signatures: as many of WebCrypto's checks by the same algorithms, one
 * after the other, in turns with what they are held against. What counts is processor time, of all threads of the process:
 * so it is per core, whatever else the machine does, and however many checks the runtime has at once.
 *
 * An envelope whose certificate was seen before has three signatures: the gate's and the timestamp authority's (P-256), and
 * the log's (Ed25519). A certificate that is new has two more, both P-256: its CA's, and the certificate log's.
 */
const calls = 64;
const logSize = 1_000;
const turns = 10;
/** Turns before those that count: what is compiled late is compiled by then. */
const warmUp = 5;
const turnMs = 500;
/** Bytes under a signature: a statement is a little longer, a checkpoint and a token's attributes are shorter. */
const signedBytes = 1_000;

type Work = (round: number) => Promise<void>;

export async function* bench(): AsyncGenerator<Figure> {
  const { trust, verdicts, answers } = await sample();
  const { p256, ed25519 } = await bareChecks();
  yield figure('verify: bare P-256 signature', (await inTurns([p256]))[0] ?? NaN, '/s');
  yield figure('verify: bare Ed25519 signature', (await inTurns([ed25519]))[0] ?? NaN, '/s');

  const envelope: Work = async (i) => accept(await verifyEnvelope(at(verdicts, i), trust));
  yield* against('envelope', envelope, [p256, p256, ed25519]);

  // What was found about a certificate is kept with the trust root: with a new one, nothing was.
  const unseen: Work = async (i) => accept(await verifyEnvelope(at(verdicts, i), { ...trust }));
  yield* against('envelope, certificate not seen before', unseen, [p256, p256, p256, p256, ed25519]);

  const call: Work = async (i) =>
    accept(await verifyInputs([{ name: '', bytes: at(answers, i) }], trust, { expect: 'executed' }));
  yield* against('call: answer, verdict, outcome', call, [p256, p256, ed25519, p256, p256, ed25519]);
}

/** Calls of one gate, somewhere in a log of some length. */
async function sample(): Promise<{
  readonly trust: Trust;
  readonly verdicts: readonly Uint8Array[];
  readonly answers: readonly Uint8Array[];
}> {
  const system = await testTrustSystem();
  while (system.leaves.length < logSize) system.leaves.push(utf8(`an older entry ${system.leaves.length}`));
  const made = [];
  for (let i = 0; i < calls; i += 1) made.push(await allowedCall(system));
  return {
    trust: await loadTrust(system.trustedRootBytes),
    verdicts: made.map(({ verdict }) => utf8(verdict)),
    answers: made.map(({ answer }) => utf8(answer)),
  };
}

async function bareChecks(): Promise<{ readonly p256: Work; readonly ed25519: Work }> {
  const message = crypto.getRandomValues(new Uint8Array(signedBytes));
  const [ec, ed] = [generateEcdsaKey().signer, generateEd25519Key().signer];
  const [ecKey, edKey] = [await importP256(ec.publicKey), await importEd25519(ed.publicKey)];
  const [ecSignature, edSignature] = [ecdsaRaw(ec.sign(message)), new Uint8Array(ed.sign(message))];
  if (!ecKey || !edKey || !ecSignature) throw new Error('A key of its own is refused.');
  const ecdsa = { name: 'ECDSA', hash: 'SHA-256' };
  return {
    p256: async () => accept({ ok: await crypto.subtle.verify(ecdsa, ecKey.key, ecSignature, message) }),
    ed25519: async () =>
      accept({ ok: await crypto.subtle.verify({ name: 'Ed25519' }, edKey.key, edSignature, message) }),
  };
}

async function* against(name: string, work: Work, signatures: readonly Work[]): AsyncGenerator<Figure> {
  const bare: Work = async (i) => {
    for (const check of signatures) await check(i);
  };
  const [rate = NaN, bareRate = NaN] = await inTurns([work, bare]);
  yield figure(`verify: ${name}`, rate, '/s', bareRate);
}

/** How often each work is done in a second of processor time. They take turns, so that each meets the same machine. */
async function inTurns(works: readonly Work[]): Promise<readonly number[]> {
  const totals = works.map(() => ({ done: 0, microseconds: 0 }));
  for (let turn = -warmUp; turn < turns; turn += 1) {
    for (const [which, work] of works.entries()) {
      const { done, microseconds } = await oneTurn(work);
      const total = totals[which];
      if (turn < 0 || total === undefined) continue;
      total.done += done;
      total.microseconds += microseconds;
    }
  }
  return totals.map(({ done, microseconds }) => (1e6 * done) / microseconds);
}

async function oneTurn(work: Work): Promise<{ readonly done: number; readonly microseconds: number }> {
  const before = process.cpuUsage();
  const end = performance.now() + turnMs;
  let done = 0;
  for (; performance.now() < end; done += 1) await work(done);
  const { user, system } = process.cpuUsage(before);
  return { done, microseconds: user + system };
}

function at(inputs: readonly Uint8Array[], round: number): Uint8Array {
  return inputs[round % inputs.length]!;
}

function accept({ ok }: { readonly ok: boolean }): void {
  if (!ok) throw new Error('What should verify does not: the figures would mean nothing.');
}
