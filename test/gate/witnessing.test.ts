import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import type { Witnesses } from '../../src/gate/parts.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Obligation } from '../../src/policy/obligation.ts';
import type { Decision } from '../../src/policy/policy.ts';
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { formatNote } from '../../src/tlog/note.ts';
import type { SignedHead } from '../../src/tlog/proof.ts';
import { signatureTypes } from '../../src/tlog/vkey.ts';
import type { Execution } from '../../src/targets/target.ts';
import { testKey } from '../tlog/test-keys.ts';
import { allowEverything, answer, countingTarget, harness, never, statementOf } from './harness.ts';

const witness = testKey('witness.test', signatureTypes.cosignatureV1);

/** Cosigns what the ledger has. */
async function cosignedHead(ledger: Ledger): Promise<SignedHead> {
  const checkpoint = parseCheckpoint((await ledger.checkpoint())?.text ?? '');
  if (checkpoint === undefined) throw new Error('The log is empty.');
  const { note, size, root } = checkpoint;
  const signatures = [...note.signatures, witness.line(note.text)];
  return { size, root, checkpoint: formatNote({ text: note.text, signatures }) };
}

interface Demanding {
  readonly obligations?: readonly Obligation[];
  readonly count?: number;
  /** When policy is asked: after the time of the decision was read. */
  readonly onDecide?: (clock: { offset: number }) => void;
  readonly cosigned?: (ledger: Ledger, asked: number, signal: AbortSignal) => Promise<SignedHead>;
}

/** A gate whose one rule demands a witness. */
async function demandingGate({
  obligations = [{ type: 'witness', rule: 'all', count: 1 }],
  count = 1,
  onDecide = () => undefined,
  cosigned = cosignedHead,
}: Demanding = {}) {
  const made = await harness({
    decide() {
      onDecide(made.clock);
      return { ...allowEverything(), obligations } as Decision;
    },
  });
  const asked: number[] = [];
  const witnesses: Witnesses = {
    count,
    cosigned: (demanded, signal) => cosigned(made.ledger, asked.push(demanded), signal),
  };
  return { ...made, asked, gate: createGate({ ...made.parts, ...(count > 0 && { witnesses }) }) };
}

function unavailable(): Promise<never> {
  return Promise.reject(new CountersignError('WITNESS_UNAVAILABLE', 'Nobody answered.'));
}

interface ProofJson {
  readonly logIndex: string;
  readonly treeSize: string;
  readonly checkpoint: { readonly envelope: string };
}

function proofIn(bundle: string | undefined): ProofJson {
  const { verificationMaterial } = JSON.parse(bundle ?? '{}') as {
    verificationMaterial: { tlogEntries: [{ inclusionProof: ProofJson }] };
  };
  return verificationMaterial.tlogEntries[0].inclusionProof;
}

const witnessLine = '\u2014 witness.test ';

describe('a rule that demands a witness', () => {
  it('lets the call run once the witness has seen its ALLOW, and embeds what it said', async () => {
    let sawAllow = false;
    let ranAt = 0;
    const { gate, call, apiKey, ledger } = await demandingGate({
      async cosigned(log) {
        sawAllow ||= (await log.entriesOfCall(allowed.id)).some(({ kind }) => kind === 'allow');
        return cosignedHead(log);
      },
    });
    const allowed = call();
    const target = {
      execute: () => {
        ranAt = sawAllow ? 1 : 0;
        return Promise.resolve(answer);
      },
    };
    const result = await gate.run(allowed, { apiKey }, target, never);
    if (result.kind !== 'done') throw new Error(result.kind);
    expect(ranAt).toBe(1);
    const { verdict, outcome } = result.envelopes;
    for (const envelope of [verdict, outcome]) {
      const { checkpoint, logIndex, treeSize } = proofIn(envelope);
      expect(checkpoint.envelope).toContain(witnessLine);
      expect(Number(treeSize)).toBeGreaterThan(Number(logIndex));
    }
    expect(statementOf(verdict).predicate['obligations']).toEqual([
      { type: 'witness', rule: 'all', count: 1 },
    ]);
    // The outcome names the tree under which the verdict was given out.
    expect(statementOf(outcome).predicate['verdict']).toMatchObject({
      treeSize: Number(proofIn(verdict).treeSize),
      logIndex: Number(proofIn(verdict).logIndex),
    });
    expect(await ledger.openPermits()).toEqual([]);
  });

  it('keeps the call from running when no witness answers, and logs that', async () => {
    const { gate, call, apiKey, ledger } = await demandingGate({ cosigned: unavailable });
    const target = countingTarget();
    const refused = call();
    const result = await gate.run(refused, { apiKey }, target, never);
    expect(target.runs).toBe(0);
    expect(result).toMatchObject({
      kind: 'done',
      execution: { kind: 'none', outcome: 'aborted', code: 'WITNESS_UNAVAILABLE' },
    });
    const [verdict, outcome] = await ledger.entriesOfCall(refused.id);
    expect([verdict?.kind, outcome?.kind]).toEqual(['allow', 'outcome']);
    const { predicate } = JSON.parse(Buffer.from(outcome?.payload ?? '').toString()) as {
      predicate: { outcome: string; reason: { code: string } };
    };
    expect(predicate).toMatchObject({ outcome: 'aborted', reason: { code: 'WITNESS_UNAVAILABLE' } });
    expect(await ledger.openPermits()).toEqual([]);
  });

  it('says LOG_FORKED when a witness says so', async () => {
    const { gate, call, apiKey } = await demandingGate({
      cosigned: () => Promise.reject(new CountersignError('LOG_FORKED', 'Another history was seen.')),
    });
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(target.runs).toBe(0);
    expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'LOG_FORKED' } });
  });

  it('waits no longer than the permit may be dispatched', async () => {
    const { gate, call, apiKey } = await demandingGate({
      // By the wall's clock nearly all of the five seconds have passed.
      onDecide: (clock) => (clock.offset = 4_800),
      cosigned: (_ledger, _asked, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    });
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'WITNESS_UNAVAILABLE' } });
    expect(target.runs).toBe(0);
  });

  it('does not run a call that was cancelled meanwhile, whoever answers then', async () => {
    const caller = new AbortController();
    const { gate, call, apiKey } = await demandingGate({
      cosigned: (_ledger, _asked, signal) => {
        caller.abort();
        return Promise.reject(signal.reason as Error);
      },
    });
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, caller.signal);
    expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'CALLER_CANCELLED' } });
    expect(target.runs).toBe(0);
  });

  it('does not let a call run whose key was revoked while the witness was asked', async () => {
    const { gate, call, apiKey, keys } = await demandingGate({
      cosigned(ledger) {
        for (const [digest, record] of keys) keys.set(digest, { ...record, status: 'revoked' });
        return cosignedHead(ledger);
      },
    });
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'API_KEY_REVOKED' } });
    expect(target.runs).toBe(0);
  });

  it('gives the outcome without cosignatures when the witness goes away while the call runs', async () => {
    const { gate, call, apiKey, ledger } = await demandingGate({
      cosigned: (log, asked) => (asked === 1 ? cosignedHead(log) : unavailable()),
    });
    const called = call();
    const result = await gate.run(called, { apiKey }, countingTarget(), never);
    if (result.kind !== 'done') throw new Error(result.kind);
    expect(proofIn(result.envelopes.verdict).checkpoint.envelope).toContain(witnessLine);
    expect(proofIn(result.envelopes.outcome).checkpoint.envelope).not.toContain(witnessLine);
    expect(statementOf(result.envelopes.outcome).predicate).toMatchObject({ outcome: 'executed' });
    expect((await ledger.entriesOfCall(called.id)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
  });

  it('does not run a call under a head that does not cover its ALLOW', async () => {
    let early: SignedHead | undefined;
    const { gate, call, apiKey, ledger } = await demandingGate({
      cosigned: async (log) => (early ??= await cosignedHead(log)),
    });
    const target = countingTarget();
    await gate.run(call(), { apiKey }, target, never);
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'WITNESS_UNAVAILABLE' } });
    expect(target.runs).toBe(1);
    expect(await ledger.openPermits()).toEqual([]);
  });

  it('asks for the outcome of a call that goes on after its answer, once that is there', async () => {
    const { gate, call, apiKey } = await demandingGate();
    const task = call();
    const pending = { ...answer, pending: true } as Execution;
    await gate.run(task, { apiKey }, countingTarget(pending), never);
    const settled = await gate.settleLater(task.id, answer);
    if (!('outcome' in settled)) throw new Error(settled.denial.code);
    expect(proofIn(settled.outcome).checkpoint.envelope).toContain(witnessLine);
  });
});

/** As a policy would never make it: what is not understood is not fulfilled either. */
function ofRule(demand: object): Obligation {
  return { rule: 'all', ...demand } as Obligation;
}

describe('an obligation', () => {
  it.each<[string, readonly object[], number, string]>([
    ['that nobody knows', [{ type: 'x' }], 1, 'OBLIGATION_UNMET'],
    [
      'that nobody knows, beside one that is known',
      [{ type: 'witness', count: 1 }, { type: 'x' }],
      1,
      'OBLIGATION_UNMET',
    ],
    ['to no count of witnesses', [{ type: 'witness' }], 1, 'OBLIGATION_UNMET'],
    ['to half a witness', [{ type: 'witness', count: 0.5 }], 1, 'OBLIGATION_UNMET'],
    ['to no witness', [{ type: 'witness', count: 0 }], 1, 'OBLIGATION_UNMET'],
    ['to more witnesses than there are', [{ type: 'witness', count: 2 }], 1, 'WITNESS_UNAVAILABLE'],
    ['to a witness where none is configured', [{ type: 'witness', count: 1 }], 0, 'WITNESS_UNAVAILABLE'],
  ])('%s is a DENY', async (_, demands, count, code) => {
    const { gate, call, apiKey, asked } = await demandingGate({ obligations: demands.map(ofRule), count });
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ kind: 'denied', denial: { code, rule: 'all', retryable: false } });
    expect([target.runs, asked]).toEqual([0, []]);
  });

  it('that is not there costs nothing: no witness is asked', async () => {
    const { gate, call, apiKey, asked } = await demandingGate({ obligations: [] });
    const result = await gate.run(call(), { apiKey }, countingTarget(), never);
    expect([result.kind, asked]).toEqual(['done', []]);
  });
});

describe('a rule that demands a witness of a call that its caller carries out', () => {
  it('gives no handle out before the witness has seen the ALLOW, and embeds what it said', async () => {
    const { gate, call, apiKey } = await demandingGate();
    const answered = await gate.delegate(call(), { apiKey });
    expect(answered.kind).toBe('delegated');
    expect(proofIn(answered.envelopes?.verdict).checkpoint.envelope).toContain(witnessLine);
    await gate.close();
  });

  it('gives none out at all when the witness does not answer: nothing ran, and the gate can say so', async () => {
    const { gate, call, apiKey, ledger } = await demandingGate({ cosigned: unavailable });
    const asked = call();
    const answered = await gate.delegate(asked, { apiKey });
    expect(answered).toMatchObject({ kind: 'denied', denial: { code: 'WITNESS_UNAVAILABLE' } });
    expect(answered).not.toHaveProperty('permit');
    expect(statementOf(answered.envelopes?.outcome).predicate).toMatchObject({
      outcome: 'aborted',
      observedBy: 'gate',
    });
    expect(await ledger.openPermits()).toEqual([]);
    expect((await ledger.entriesOfCall(asked.id)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    await gate.close();
  });
});
