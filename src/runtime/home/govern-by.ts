import { readFileSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import { assertAdmitted, type Credentials } from '../../identity/principal.ts';
import { refuseUnavailable } from '../../identity/unavailable.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { passphraseFrom, passphraseVariable } from '../keys/passphrase.ts';
import type { Acting } from '../login/acting.ts';
import { homeRecipients } from '../notices/home-notices.ts';
import { withNotices } from '../notices/with-notices.ts';
import { environmentGrant } from '../grants/grant-environment.ts';
import { callCredentials } from '../login/call-credentials.ts';
import { bringsToken } from '../login/token-environment.ts';
import { recordPolicy } from '../policy-change.ts';
import { homeAuthenticator, openGovernance, type Governance } from './governance.ts';
import { readHomeSettings, type HomeSettings } from './home-config.ts';
import { openHome } from './open-home.ts';

/** A gate in a process of its own: one home, one API key, one policy. */
export interface GovernByOptions {
  readonly home: string;
  /** Where the ledger is, with its password; what the home says unless told. */
  readonly ledger?: string | undefined;
  readonly apiKey: string | undefined;
  /** What the log says that the policy is for. */
  readonly name: string;
  /** In place of the home's policy; absolute. */
  readonly policyFiles: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
}

export interface GovernedBy {
  readonly governance: Governance;
  readonly policy: Policy;
  /** What each call brings: the key, the token of whoever it is made for, and the grant that it is narrowed to, where there is one. */
  readonly credentials: () => Credentials | Promise<Credentials>;
}

/**
 * Opens what a gate here decides by, for whoever holds a valid key. Rejects with nothing held: with an `API_KEY_…`, `HOME_…`, `KEY_…`,
 * `LEDGER_…`, `POLICY_…` or `CONFIG_INVALID` code.
 */
export async function governBy(options: GovernByOptions): Promise<GovernedBy> {
  const home = openHome(options.home, options.ledger, passphraseFrom(options.env, passphraseVariable));
  const settings = readHomeSettings(home);
  const acting = await actingOf(settings, options);
  const grant = environmentGrant(options.env);
  const authenticator = refuseUnavailable(homeAuthenticator(home, acting.evidence));
  const holder = await authenticator.authenticate({ apiKey: options.apiKey }, Date.now());
  // What comes with the calls is looked at with each of them: without a grant that they need they are denied, and signed.
  if (holder.refusal?.code !== 'GRANT_MISSING') assertAdmitted(holder);
  const files = options.policyFiles.length > 0 ? options.policyFiles : [home.layout.policy];
  const policy = compilePolicy(files.map((name) => ({ name, text: readPolicy(name) })));
  const recipients = await homeRecipients(settings, home, options.env);
  const governance = withNotices(
    await openGovernance(home, authenticator, options.stderr, settings),
    recipients,
    options.stderr,
  );
  try {
    await recordPolicy(governance.homeLedger.ledger, governance.recordChange, options.name, policy);
    return { governance, policy, credentials: callCredentials(options.apiKey, acting.source, grant) };
  } catch (error) {
    await governance.close();
    throw error;
  }
}

/** For whom calls are made. Where neither the home nor the environment says anything of it, it costs nothing. */
async function actingOf(
  { actsForPeople, hasGrants }: HomeSettings,
  { home, env, cwd, stderr }: GovernByOptions,
): Promise<Partial<Acting>> {
  if (!actsForPeople && !hasGrants && !bringsToken(env)) return {};
  const { openActing } = await import('../login/acting.ts');
  const acting = await openActing({ root: home, env, cwd });
  if (acting.source && acting.evidence.humans === undefined)
    stderr.write(
      'countersign: calls are made for nobody: no issuer of people is configured (identity.humans).\n',
    );
  return acting;
}

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CountersignError('POLICY_UNREADABLE', `The policy ${file} cannot be read.`, { cause: error });
  }
}
