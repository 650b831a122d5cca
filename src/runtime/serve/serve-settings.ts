import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { readActing } from '../config/read-acting.ts';
import { readNotify } from '../config/read-notify.ts';
import { readConfig } from '../config/read.ts';
import type { Config } from '../config/schema.ts';
import type { Evidence } from '../../identity/evidence.ts';
import type { EventTransmitter } from '../../identity/events/security-event.ts';
import { readSettings, type HomeSettings } from '../home/home-config.ts';
import type { Listen } from './doors.ts';
import { declareActions, type DeclaredActions } from './declared-actions.ts';
import { readIdentity } from './identity.ts';
import { declareServers, type DeclaredServer } from './mcp-servers.ts';
import { readTlsMaterial, type TlsMaterial } from './tls-material.ts';

/** What a configuration file comes to, everything in it compiled: whole and valid, or not at all. */
export interface ServeSettings {
  readonly config: Config;
  /** Hex SHA-256 of the file as it is written: references to the environment, not their values. */
  readonly digest: string;
  readonly policy: Policy;
  /** Absent when the configuration does not speak of witnesses: then the home's own are asked. */
  readonly witnesses?: HomeSettings;
  readonly declared: DeclaredActions;
  readonly servers: ReadonlyMap<string, DeclaredServer>;
  /** Who is believed about humans, devices and networks. */
  readonly evidence: Evidence;
  /** Who may tell of what has ended. */
  readonly transmitters: readonly EventTransmitter[];
  /** Which certificates of authorities were read: another text for others. */
  readonly authorities: string;
  /** Absent where the gateway speaks plain HTTP. */
  readonly tls?: TlsMaterial;
  /** The configuration, the policies, the keys of issuers and the certificates, as they were read. */
  readonly files: readonly string[];
}

export interface ServeSettingsSource {
  /** Absolute. */
  readonly configFile: string;
  /** A unix socket in place of what the configuration says of where to listen; absolute. */
  readonly socket?: string | undefined;
  /** Used when the configuration names no policy; absolute. */
  readonly homePolicy: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Throws CONFIG_INVALID, POLICY_INVALID or POLICY_UNREADABLE; the message says where. */
export function readServeSettings(source: ServeSettingsSource): ServeSettings {
  const { configFile, socket, env } = source;
  const text = read(configFile, 'CONFIG_INVALID', 'configuration');
  const written = readConfig({ name: configFile, text, env });
  const config = { ...written, listen: listenFor(written.listen, dirname(configFile), socket) };
  return settingsOf(config, text, [configFile], source);
}

/** What is served without a configuration: decisions and the log, by the home's policy. */
const bare = 'version: 1\n';

/**
 * The same of a home alone: of its `countersign.yaml`, where it has one, what that says of identity and notices. Witnesses are the home's own in
 * any case.
 *
 * @param source `configFile` is the home's `countersign.yaml`, and need not be there.
 */
export function readHomeServeSettings(
  source: ServeSettingsSource & { readonly socket: string },
): ServeSettings {
  const { configFile: name, socket, env } = source;
  const isThere = existsSync(name);
  const text = isThere ? read(name, 'CONFIG_INVALID', 'configuration') : bare;
  const { identity } = readActing({ name, text, env });
  const config = {
    ...readConfig({ name, text: bare, env }),
    listen: { socket },
    notify: readNotify({ name, text, env }),
    ...(identity && { identity }),
  };
  return settingsOf(config, text, isThere ? [name] : [], source);
}

function settingsOf(
  config: Config,
  text: string,
  ownFiles: readonly string[],
  { configFile, homePolicy, env }: ServeSettingsSource,
): ServeSettings {
  const files = config.policies.map((file) => resolve(dirname(configFile), file));
  const policies = files.length > 0 ? files : [homePolicy];
  const identity = readIdentity(config.identity, dirname(configFile));
  const { tls: tlsConfig } = config.listen;
  const tls = tlsConfig && readTlsMaterial(tlsConfig, dirname(configFile));
  return {
    config,
    evidence: identity.evidence,
    transmitters: identity.transmitters,
    authorities: identity.authorities,
    digest: hex(sha256(utf8(text))),
    policy: compilePolicy(
      policies.map((name) => ({ name, text: read(name, 'POLICY_UNREADABLE', 'policy') })),
    ),
    ...(config.witnesses && { witnesses: readSettings(configFile, text) }),
    declared: declareActions(config.actions),
    servers: declareServers(config.servers, { folder: dirname(configFile), env }),
    ...(tls && { tls }),
    files: [...ownFiles, ...policies, ...identity.files, ...(tls?.files ?? [])],
  };
}

function listenFor(written: Listen, folder: string, socket: string | undefined): Listen {
  if (socket !== undefined) return { socket };
  return written.socket === undefined ? written : { ...written, socket: resolve(folder, written.socket) };
}

function read(file: string, code: 'CONFIG_INVALID' | 'POLICY_UNREADABLE', what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const why = systemCode(error);
    throw new CountersignError(code, `The ${what} ${file} cannot be read (${why}).`, { cause: error });
  }
}
