import { readFileSync } from 'node:fs';
import { CountersignError, systemCode } from '../../errors.ts';
import type { WitnessAddress } from '../../ledger/witness-client.ts';
import { required } from '../../policy/pack-fields.ts';
import { YamlSource, type YamlNode } from '../../policy/yaml-source.ts';
import { hex } from '../../call/sha256.ts';
import { parseVkey, signatureTypes } from '../../tlog/vkey.ts';
import type { Home } from './open-home.ts';

/** What an operator sets beside policy: `countersign.yaml` in the home. */
export interface HomeSettings {
  /** Who else sees this log's heads. Their names and keys all differ. */
  readonly witnesses: readonly WitnessAddress[];
  /** Whether it says whom a wrapped server acts for: `login/acting.ts` reads that, and what it then needs. */
  readonly actsForPeople: boolean;
  /** Whether its section `identity` speaks of grants, which narrow the calls of a wrapped server as well. */
  readonly hasGrants: boolean;
  /** Whether it says who is told what came of calls: `notices/home-notices.ts` reads that. */
  readonly notifies?: true;
}

const none: HomeSettings = { witnesses: [], actsForPeople: false, hasGrants: false };

const maxWitnesses = 16;
const maxKeyLength = 256;
/** Seconds: a permit is not dispatched later than this after its verdict. */
const maxTimeout = 5;

/** The sections of a configuration that say how a gateway is served. `countersign serve` reads them, and is as strict. */
const gatewaySections = [
  'version',
  'mode',
  'listen',
  'hosts',
  'origins',
  'publicUrl',
  'policies',
  'actions',
  'servers',
  'identity',
  'approvals',
  'metrics',
  'limits',
] as const;

/** Who is told what came of calls. */
const notifySection = 'notify';

/** Whom a wrapped server acts for. */
const actingSections = ['login', 'human'] as const;

/** What `identity` says of grants. */
const grantMembers = ['granters', 'grantsRequired'] as const;

/**
 * Reads the home's `countersign.yaml`; a home without one has no settings. Strict, as policy is: throws CONFIG_INVALID with
 * `name:line:column`.
 */
export function readHomeSettings({ layout }: Pick<Home, 'layout'>): HomeSettings {
  const text = readIfThere(layout.settings);
  return text === undefined ? none : readSettings(layout.settings, text);
}

/** The same of any configuration; `name` is for messages. */
export function readSettings(name: string, text: string): HomeSettings {
  const yaml = new YamlSource({ name, text }, 'CONFIG_INVALID');
  // A file that has only comments is one that sets nothing.
  if (yaml.root === null) return none;
  const known = ['witnesses', notifySection, ...gatewaySections, ...actingSections] as const;
  const fields = yaml.fields(yaml.root, 'the configuration', known);
  const identity: unknown = fields.get('identity')?.toJSON();
  return {
    witnesses: readWitnesses(yaml, fields.get('witnesses')),
    actsForPeople: actingSections.some((section) => fields.has(section)),
    ...(fields.has(notifySection) && { notifies: true }),
    hasGrants: grantMembers.some((member) => Object.hasOwn(Object(identity) as object, member)),
  };
}

function readWitnesses(yaml: YamlSource, node: YamlNode | undefined): readonly WitnessAddress[] {
  if (node === undefined) return [];
  const nodes = yaml.list(node, 'witnesses');
  if (nodes.length > maxWitnesses) yaml.refuse(node, `there are more than ${maxWitnesses} witnesses`);
  const taken = new Set<string>();
  return nodes.map((one) => {
    const witness = readWitness(yaml, one);
    // Whoever is listed under two names, or with two keys, would be counted twice.
    for (const mark of [witness.key.name, hex(witness.key.publicKey)]) {
      if (taken.has(mark)) yaml.refuse(one, 'a witness before it has this name, or this key');
      taken.add(mark);
    }
    return witness;
  });
}

const what = 'a witness';

function readWitness(yaml: YamlSource, node: YamlNode): WitnessAddress {
  const fields = yaml.fields(node, what, ['url', 'key', 'timeout']);
  const timeout = fields.get('timeout');
  return {
    url: readUrl(yaml, required(yaml, node, fields.get('url'), what, 'url: https://…')),
    key: readKey(yaml, required(yaml, node, fields.get('key'), what, 'key: its vkey')),
    ...(timeout && { timeout: readTimeout(yaml, timeout) }),
  };
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** What a witness says is signed; what it is asked is not secret. But who answers decides whether calls run. */
function readUrl(yaml: YamlSource, node: YamlNode): string {
  const text = yaml.string(node, 'url');
  const url = URL.parse(text);
  if (url === null) return yaml.refuse(node, 'the url of a witness must be an absolute URL');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return yaml.refuse(node, 'the url of a witness has no user, no “?” and no “#”');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname))) return url.href;
  return yaml.refuse(node, 'the url of a witness must be https; http is for this machine alone');
}

function readKey(yaml: YamlSource, node: YamlNode): WitnessAddress['key'] {
  const text = yaml.string(node, 'key');
  const key = text.length > maxKeyLength ? undefined : parseVkey(text);
  if (key?.type === signatureTypes.cosignatureV1) return key;
  return yaml.refuse(
    node,
    key === undefined
      ? 'the key of a witness is its vkey, NAME+8 hex digits+base64, with an Ed25519 key'
      : 'this is the vkey of a log; a witness has one of the type 04',
  );
}

function readTimeout(yaml: YamlSource, node: YamlNode): number {
  const seconds = yaml.number(node, 'timeout');
  if (seconds > 0 && seconds <= maxTimeout) return Math.ceil(seconds * 1_000);
  return yaml.refuse(node, `timeout is a number of seconds, more than 0 and at most ${maxTimeout}`);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const why = systemCode(error);
    if (why === 'ENOENT') return undefined;
    throw new CountersignError('CONFIG_INVALID', `${path} cannot be read (${why}).`, { cause: error });
  }
}
