import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { loadFromUrl } from '../../identity/tokens/jwks-url.ts';
import type { Evidence } from '../../identity/evidence.ts';
import type { EventTransmitter } from '../../identity/events/security-event.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { declareCertificates } from '../config/declare-certificates.ts';
import { declareEvents } from '../config/declare-events.ts';
import { declareIdentity, type KeyLoader } from '../config/declare-identity.ts';
import { readConfig } from '../config/read.ts';
import type { Config } from '../config/schema.ts';
import { declareActions, type DeclaredActions } from '../serve/declared-actions.ts';
import { urlServer, type DeclaredServer } from '../serve/mcp-url-server.ts';

/** What a Worker is deployed with, as texts: it has no files. */
export interface WorkerSources {
  /** `countersign.yaml`. */
  readonly configuration: string;
  /** The policies that the configuration names, by those names. */
  readonly policies: Readonly<Record<string, string>>;
  /** Where sentences for the operator go, such as `console.error`. Nowhere unless told. */
  readonly report?: (line: string) => void;
}

/** What the sources come to, everything in them compiled. */
export interface WorkerSettings {
  readonly config: Config;
  /** Hex SHA-256 of the configuration as it is written: references to variables, not their values. */
  readonly digest: string;
  readonly policy: Policy;
  readonly evidence: Evidence;
  readonly transmitters: readonly EventTransmitter[];
  readonly declared: DeclaredActions;
  readonly servers: ReadonlyMap<string, DeclaredServer>;
}

const configurationName = 'countersign.yaml';

/**
 * Throws CONFIG_INVALID or POLICY_INVALID; the message says where. What a configuration asks for and a Worker cannot do is refused:
 * left out, it would be a rule that nobody holds.
 */
export function readWorkerSettings(
  { configuration, policies }: WorkerSources,
  env: Readonly<Record<string, unknown>>,
): WorkerSettings {
  const config = readConfig({ name: configurationName, text: configuration, env: textsIn(env) });
  if (config.policies.length === 0) throw refused('policies: a Worker has no home, so name at least one');
  if (config.witnesses !== undefined && config.witnesses.length > 0)
    throw refused('witnesses: they are not asked from a Worker yet');
  if (config.approvals !== undefined)
    throw refused('approvals: nobody can be invited to the page of a Worker yet');
  if (Object.keys(config.notify).length > 0) throw refused('notify: nobody is told from a Worker yet');
  return {
    config,
    digest: hex(sha256(utf8(configuration))),
    policy: compilePolicy(
      config.policies.map((name) => {
        const text = Object.hasOwn(policies, name) ? policies[name] : undefined;
        if (text === undefined) throw refused(`policies: ${name} was not deployed with the Worker`);
        return { name, text };
      }),
    ),
    evidence: {
      ...declareIdentity(config.identity, keysByUrl),
      ...(config.identity &&
        declareCertificates(config.identity.certificates, (file) => {
          throw refused(`identity.certificates: a Worker has no files; give the PEM in place of ${file}`);
        })),
    },
    transmitters: declareEvents(config.identity, keysByUrl),
    declared: declareActions(config.actions),
    servers: new Map(
      Object.entries(config.servers).map(([name, server]) => {
        if ('command' in server) throw refused(`servers.${name}: a Worker starts no program; give a url`);
        const readKey = (): never => {
          throw refused(`servers.${name}.onBehalf: a Worker has no files; use clientSecret`);
        };
        return [name, urlServer(name, server, readKey)];
      }),
    ),
  };
}

const keysByUrl: KeyLoader = ({ issuer, keys }) => {
  if ('file' in keys) throw refused(`identity: a Worker has no files; give the keys of ${issuer} by url`);
  return loadFromUrl(keys.url, fetch);
};

/** Variables and secrets are texts among the bindings. */
function textsIn(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function refused(what: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `${configurationName}: ${what}.`);
}
