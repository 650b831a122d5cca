import type { Call } from '../../src/call/call.ts';
import type { JsonObject } from '../../src/call/json.ts';
import { redeemPermit } from '../../src/call/permit.ts';
import { utf8 } from '../../src/call/sha256.ts';
import { uuidv7 } from '../../src/call/uuid.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import type { Gate } from '../../src/gate/gate.ts';
import type { ListedTool } from '../../src/gate/listing.ts';
import type { GateParts } from '../../src/gate/parts.ts';
import { createRevocations } from '../../src/gate/revocations.ts';
import { createToolDirectory } from '../../src/gate/tool-directory.ts';
import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../../src/identity/api-key.ts';
import { createAuthenticator } from '../../src/identity/authenticate.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { createTrustSystem } from '../../src/pki/authority.ts';
import { createIdentityKeeper } from '../../src/pki/identity-keeper.ts';
import { issueLeaf } from '../../src/pki/leaf.ts';
import { ecdsaSigner, ed25519Signer, generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { createTimestampAuthority } from '../../src/pki/timestamp.ts';
import type { Decision, Policy, PolicyInput } from '../../src/policy/policy.ts';
import { labelsOf } from '../../src/policy/labels.ts';
import { plaintextRules } from '../../src/policy/plaintext.ts';
import { changeRecorder } from '../../src/runtime/changes.ts';
import type { Execution, Target } from '../../src/targets/target.ts';

const trustDomain = 'gate.test';
const origin = 'log.gate.test';

/** One trust system for all tests of a file: making it is the slow part. */
const trust = await createTrustSystem({ trustDomain, now: Date.now() - 3_600_000 });
const logSigner = ed25519Signer(trust.log.privateKey);

export interface Harness {
  readonly gate: Gate;
  readonly ledger: Ledger;
  readonly parts: GateParts;
  readonly apiKey: string;
  readonly keys: Map<string, ApiKeyRecord>;
  readonly clock: { offset: number };
  readonly tools: Map<string, ListedTool>;
  readonly call: (tool?: string, args?: JsonObject) => Call;
}

export interface HarnessOptions {
  readonly decide?: (input: PolicyInput) => Decision;
  readonly plaintextOf?: Policy['plaintextOf'];
  readonly store?: LogStore;
  readonly instance?: string;
}

export const newStore = (): LogStore => memoryStore({ origin, publicKey: logSigner.publicKey });

export async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const clock = { offset: 0 };
  const now = () => Date.now() + clock.offset;
  const store = options.store ?? newStore();
  const ledger = await createLedger({ store, signer: logSigner, origin, released: forgetfulCheckpoints() });
  const pepper = new Uint8Array(32);
  const apiKey = newApiKey();
  const keys = new Map<string, ApiKeyRecord>([
    [apiKeyDigest(apiKey, pepper), record(apiKeyDigest(apiKey, pepper))],
  ]);
  const notary = {
    ledger,
    logKeyId: new Uint8Array(32),
    clock: { now, monotonic: () => performance.now() },
    identity: createIdentityKeeper({
      issue: async (at) => {
        const { signer } = generateEcdsaKey();
        const [notBefore, notAfter] = [at - 1_000, at + 3_600_000];
        const certificate = await issueLeaf({
          caSigner: ecdsaSigner(trust.issuing.privateKey),
          caCertificate: trust.issuing.certificate,
          ctSigner: ecdsaSigner(trust.ct.privateKey),
          spiffeUri: `spiffe://${trustDomain}/gate/test`,
          issuerUrl: 'https://ca.gate.test',
          publicKey: signer.publicKey,
          notBefore,
          notAfter,
          now: at,
        });
        return { signer, certificate, issuer: trust.issuing.certificate, notBefore, notAfter };
      },
    }),
    timestamps: createTimestampAuthority({
      signer: ecdsaSigner(trust.timestamp.privateKey),
      certificate: trust.timestamp.certificate,
    }),
  };
  const tools = new Map<string, ListedTool>([['echo', listed('a'.repeat(64))]]);
  const server = { name: 'files', digest: 'd'.repeat(64) };
  const parts: GateParts = {
    ...notary,
    mode: 'same-user',
    instance: options.instance ?? 'instance-1',
    revocations: createRevocations({ ledger, every: 20 }),
    assertAlive: () => undefined,
    authenticator: createAuthenticator({
      trustDomain,
      keys: { peppers: () => [{ version: 1, secret: pepper }], find: (digest) => keys.get(digest) },
    }),
    policy: policyOf(options.decide ?? allowEverything, options.plaintextOf),
    directory: createToolDirectory({
      server,
      command: utf8('{"command":"echo"}'),
      listing: { tools: () => Promise.resolve(tools), lists: () => Promise.resolve(true) },
      ledger,
      recordChange: changeRecorder(notary, 'same-user'),
    }),
  };
  return {
    gate: createGate(parts),
    ledger,
    parts,
    apiKey,
    keys,
    clock,
    tools,
    call: (tool = 'echo', args = {}) => {
      const params = utf8(JSON.stringify({ name: tool, arguments: args }));
      return {
        id: uuidv7(now()),
        server,
        kind: 'tool',
        tool,
        params,
        arguments: args,
        payload: params,
        era: 'legacy',
      };
    },
  };
}

function record(digest: string): ApiKeyRecord {
  return {
    id: 'key-1',
    digest,
    pepperVersion: 1,
    tenant: 'default',
    agents: ['default'],
    status: 'active',
    createdAt: new Date(0).toISOString(),
  };
}

export function listed(sha256: string): ListedTool {
  return { raw: utf8('{"name":"echo"}'), sha256, declaredProperties: ['path'] };
}

function policyOf(
  decide: (input: PolicyInput) => Decision,
  plaintextOf: Policy['plaintextOf'] | undefined,
): Policy {
  return {
    id: 'test',
    digest: 'b'.repeat(64),
    engine: 'test/1',
    decide,
    reads: new Set(),
    constants: new Set(),
    labelOf: labelsOf([]),
    plaintextOf: plaintextOf ?? plaintextRules([]),
  };
}

export function allowEverything(): Decision {
  return {
    verdict: 'ALLOW',
    code: 'RULE_ALLOWS',
    rule: 'all',
    message: 'allowed',
    obligations: [],
    controls: [],
  };
}

export function denyEverything(): Decision {
  return { verdict: 'DENY', code: 'NO_RULE_ALLOWS', message: 'No rule allows this.', controls: [] };
}

export const answer: Execution = {
  kind: 'result',
  result: utf8('{"content":[]}'),
  value: { content: [] },
  frame: utf8('{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'),
  pending: false,
};

/** A target that redeems its permit, and counts. */
export function countingTarget(execution: Execution = answer): Target & { readonly runs: number } {
  const target = {
    runs: 0,
    execute: (permit: Parameters<Target['execute']>[0]) => {
      if (!redeemPermit(permit)) throw new Error('the permit is not genuine');
      target.runs += 1;
      return Promise.resolve(execution);
    },
  };
  return target;
}

/** The statement inside a bundle's text. */
export function statementOf(bundle: string | undefined): {
  readonly predicateType: string;
  readonly predicate: Readonly<Record<string, never>>;
} {
  const { dsseEnvelope } = JSON.parse(bundle ?? '{}') as { dsseEnvelope: { payload: string } };
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as ReturnType<typeof statementOf>;
}

export const never = new AbortController().signal;
