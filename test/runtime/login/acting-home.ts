import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHome } from '../../../src/runtime/home/create-home.ts';
import { countersign } from '../../support/home.ts';

export const program = countersign;

/** A home whose gate believes an issuer about people. */
export interface ActingHome extends Disposable {
  readonly work: string;
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly apiKey: string;
  /** Writes the home's countersign.yaml: who is believed, and these further lines. */
  configure(lines?: string): void;
  policy(...rules: readonly string[]): void;
}

export async function actingHome(issuer: string, audience: string): Promise<ActingHome> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-acting-'));
  const root = join(work, 'home');
  const base: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: work, COUNTERSIGN_HOME: root };
  const { apiKey } = await createHome(root, undefined, () => undefined);
  return {
    work,
    root,
    apiKey,
    env: { ...base, COUNTERSIGN_API_KEY: apiKey },
    configure: (lines = '') =>
      writeFileSync(
        join(root, 'countersign.yaml'),
        `identity:
  audience: ${audience}
  humans:
    - { issuer: '${issuer}', keys: { url: '${issuer}/jwks' }, algorithms: [ES256] }
${lines}`,
      ),
    policy: (...rules) =>
      writeFileSync(join(root, 'policy.yaml'), `version: 1\nname: test\nrules:\n${rules.join('\n')}\n`),
    [Symbol.dispose]: () => rmSync(work, { recursive: true, force: true }),
  };
}

interface Predicate {
  readonly principal?: { readonly human?: object };
}

/** The predicate of a verdict or an outcome. */
export function statedIn(envelope: unknown): Predicate {
  const bundle = (typeof envelope === 'string' ? JSON.parse(envelope) : envelope) as {
    readonly dsseEnvelope: { readonly payload: string };
  };
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as {
    readonly predicate: Predicate;
  };
  return statement.predicate;
}
