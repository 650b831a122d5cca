/**
 * Which room may import which, written once. `lint-rules.mjs` shows a wrong arrow in the editor, and
 * `arrows.test.ts` holds the same table where no comment can switch it off.
 *
 * A path is relative to the repository, with forward slashes: `src/gate/record.ts`.
 */

/** What a room may import beside itself: another room (`call/`) or the files that start so (`pki/parse`). */
interface Arrows {
  readonly may: readonly string[];
  /** Only through `import type`: shapes that two rooms agree on, no code. */
  readonly types?: readonly string[];
  readonly why: string;
}

/** Every room of `src/`. One that is not listed may import nothing and be imported by nobody but runtime. */
export const rooms: Readonly<Record<string, Arrows>> = {
  call: { may: [], why: 'The bottom: what a call is. No I/O, no clock.' },
  tlog: { may: ['call/'], why: 'Pure arithmetic over hashes.' },
  pki: { may: ['call/'], why: 'Keys, certificates and timestamps know nothing of what is signed.' },
  policy: { may: ['call/'], why: 'Pure and total: nothing that waits or reads.' },
  identity: {
    may: ['call/', 'pki/parse', 'pki/der', 'pki/oids.ts'],
    why: 'Credentials in, a verified principal out. Of certificates it reads what verifiers do, and has no key.',
  },
  targets: { may: ['call/'], why: 'They take a permit and know nobody who could mint one.' },
  ledger: {
    may: ['tlog/', 'call/'],
    types: ['envelope/envelope.ts', 'pki/signer.ts'],
    why: 'Keeps what was signed without being able to sign a statement.',
  },
  envelope: {
    may: ['pki/', 'ledger/ledger.ts', 'tlog/', 'call/'],
    types: ['identity/principal.ts', 'policy/policy.ts'],
    why: 'States, signs, bundles; talks to the ledger through its port.',
  },
  gate: {
    may: [
      'identity/',
      'policy/',
      'envelope/',
      'targets/target.ts',
      'ledger/ledger.ts',
      'pki/hpke.ts',
      'tlog/',
      'call/',
    ],
    types: ['pki/signer.ts'],
    why: 'The one path. It sees ports, never a store, a concrete target or a private key; what it keeps it may seal.',
  },
  gateway: {
    may: ['gate/', 'targets/', 'call/'],
    types: ['identity/principal.ts', 'ledger/ledger.ts'],
    why: 'Translates wires, nothing else.',
  },
  client: {
    may: ['call/'],
    types: ['gate/', 'identity/principal.ts'],
    why: 'What an application holds of a gate: it asks, checks the answer, carries out, reports. It has no key and decides nothing.',
  },
  verify: {
    may: ['tlog/', 'call/', 'pki/parse', 'pki/der', 'pki/oids.ts', 'envelope/bundle-shape.ts'],
    types: ['envelope/envelope.ts'],
    why: 'No network, no store, no private key: what an auditor can read in an afternoon.',
  },
  evidence: {
    may: ['verify/', 'policy/', 'tlog/', 'call/'],
    why: 'Replay and absence, from what was verified.',
  },
  witness: {
    may: ['tlog/', 'call/'],
    why: 'Watches logs of others: it knows checkpoints and proofs, and nothing of what a log records.',
  },
  console: { may: ['verify/'], why: 'Pages: HTTP for data, our verifier for trust.' },
  runtime: {
    may: [
      'call/',
      'tlog/',
      'pki/',
      'policy/',
      'identity/',
      'targets/',
      'ledger/',
      'envelope/',
      'gate/',
      'gateway/',
      'verify/trust.ts',
      'evidence/',
      'witness/',
      'client/',
    ],
    why: 'The only place where rooms are put together.',
  },
  cli: {
    may: ['runtime/', 'verify/', 'evidence/', 'tlog/tlog-proof.ts', 'call/'],
    types: ['ledger/ledger.ts', 'gate/acceptance.ts'],
    why: 'Reads arguments, prints answers; what it needs done, runtime does.',
  },
};

/** Files of `src/` that belong to no room. */
const everybodys = ['errors.ts', 'names.ts'];

/** What a library user may reach: never a composition root or a command. */
const index: Arrows = {
  may: [
    'call/',
    'tlog/',
    'pki/',
    'policy/',
    'identity/',
    'targets/',
    'ledger/',
    'envelope/',
    'gate/',
    'client/',
    'verify/',
    // An auditor may be a Worker that fetches tiles: replay reads through a port, and knows no file or network.
    'evidence/',
  ],
  why: 'What a library user imports; runtime-neutral.',
};

/** What a library user on Node may reach beside it. */
const nodeIndex: Arrows = {
  may: ['runtime/connect/node-fetch.ts', 'runtime/open-gate.ts'],
  why: 'Of what runs on Node alone, only what has no use elsewhere.',
};

/** What an adapter is made of: it must load without keys, log and policy language. */
const adapterIndex: Arrows = {
  may: ['call/', 'client/'],
  types: ['gate/gate.ts'],
  why: 'The client of a gate, and no gate.',
};

const indexes: Readonly<Record<string, Arrows>> = {
  'src/index.ts': index,
  'src/node.ts': nodeIndex,
  'src/adapter.ts': adapterIndex,
};

/** The frameworks that each adapter translates for: no other package, and none of Node's modules. */
const frameworks: Readonly<Record<string, RegExp>> = {
  shared: /^$/,
  langchain: /^(?:langchain|@langchain\/core|@langchain\/langgraph)(?:\/|$)/,
  ai: /^ai$/,
  'openai-agents': /^@openai\/agents(?:\/|$)/,
  mastra: /^@mastra\/core(?:\/|$)/,
  'google-adk': /^@google\/adk$/,
  'claude-agent-sdk': /^@anthropic-ai\/claude-agent-sdk$/,
  'cloudflare-agents': /^agents(?:\/|$)/,
};

const roomless: Arrows = { may: [], why: 'It belongs to no room.' };

/** Implementations of a store port, the ledger’s or a witness’s: chosen where everything is put together, and nowhere else. */
const isStore = (file: string): boolean =>
  /^ledger\/(?:store-|.*sqlite|.*postgres)|^witness\/.*sqlite/.test(file);

/** Where Node's own modules may be imported. Everything else must also run on Workers. */
const nodeFiles = [
  /^runtime\/(?!worker)/,
  /^node\.ts$/,
  /^cli\//,
  /^targets\//,
  /^gateway\/.*stdio/,
  /^ledger\/[^/]*(?:sqlite|postgres)/,
  /^witness\/[^/]*sqlite/,
  /^(?:ledger|pki)\/.*-node\.ts$/,
];

/** Packages are behind one room's door each, so that one can be replaced without reading the others. */
const packages: readonly { readonly name: RegExp; readonly files: RegExp }[] = [
  { name: /^@noble\/hashes(?:\/|$)/, files: /^(?:call|identity|tlog)\// },
  { name: /^@noble\/ed25519$/, files: /^(?:pki|tlog|verify)\// },
  { name: /^@bufbuild\/(?:cel|re2|protobuf)(?:\/|$)/, files: /^policy\// },
  { name: /^re2js$/, files: /^policy\// },
  { name: /^yaml$/, files: /^(?:policy|runtime\/config)\// },
  { name: /^(?:@peculiar\/|reflect-metadata$|asn1js$)/, files: /^pki\// },
  { name: /^@hpke\//, files: /^pki\// },
  { name: /^pg$/, files: /^ledger\/[^/]*postgres/ },
  { name: /^hono(?:\/|$)/, files: /^(?:gateway\/http|witness)\// },
  { name: /^@cfworker\/json-schema$/, files: /^(?:client|gateway\/http)\// },
  { name: /^(?:jose|ipaddr\.js)$/, files: /^identity\// },
  { name: /^eventsource-parser(?:\/|$)/, files: /^targets\// },
  { name: /^prom-client$/, files: /^runtime\// },
  { name: /^oauth4webapi$/, files: /^runtime\// },
  { name: /^zod$/, files: /^runtime\/config\// },
  { name: /^(?:diff|jsonc-parser|smol-toml)$/, files: /^runtime\/(?:doctor|hosts|hook)\// },
  { name: /^@simplewebauthn\/server$/, files: /^gateway\/http\// },
  { name: /^@hono\/node-server$/, files: /^runtime\// },
  { name: /^cross-spawn$/, files: /^(?:targets|gateway|runtime)\// },
];

/** Functions that confer something: who may name them. */
const guarded: Readonly<Record<string, { readonly home: string; readonly users: RegExp }>> = {
  mintPermit: { home: 'src/call/permit.ts', users: /^src\/gate\/record\.ts$/ },
  redeemPermit: { home: 'src/call/permit.ts', users: /^src\/targets\// },
  mintRelayFrame: {
    home: 'src/targets/mcp-relay-frame.ts',
    users: /^src\/gateway\/mcp\/route\.ts$/,
  },
  verifiedPrincipal: { home: 'src/identity/principal.ts', users: /^src\/identity\// },
};

export interface ImportSeen {
  /** The importing file. */
  readonly from: string;
  /** As written: `../call/call.ts`, `node:fs`, `yaml`. */
  readonly specifier: string;
  readonly typeOnly: boolean;
  /** Imported names; `*` for a namespace, a side effect, or a dynamic import. */
  readonly names: readonly string[];
}

/** Why this import is not allowed, as a sentence; undefined when it is. */
export function wrongArrow(seen: ImportSeen): string | undefined {
  const { from, specifier } = seen;
  if (from.startsWith('adapters/')) return wrongAdapter(seen);
  if (!from.startsWith('src/')) return undefined;
  if (specifier.startsWith('.')) return wrongFile(seen, resolveFrom(from, specifier));
  if (specifier.startsWith('node:')) {
    return mayUseNode(from) ? undefined : `${from} must also run on Workers: it may not import ${specifier}.`;
  }
  return wrongPackage(from.slice('src/'.length), specifier);
}

/** An adapter knows its framework and the client of a gate: neither another adapter nor anything that decides. */
function wrongAdapter({ from, specifier }: ImportSeen): string | undefined {
  const [, adapter = ''] = from.split('/');
  if (!specifier.startsWith('.')) {
    return frameworks[adapter]?.test(specifier)
      ? undefined
      : `${from} may not import ${specifier}: it is not its framework.`;
  }
  const to = resolveFrom(from, specifier);
  const isAllowed =
    to === 'src/adapter.ts' || to.startsWith(`adapters/${adapter}/`) || to.startsWith('adapters/shared/');
  return isAllowed ? undefined : `${from} may not import ${to}: of ours, adapters know src/adapter.ts alone.`;
}

/** Whether a file of `src/` may import Node's modules and use its globals. */
export function mayUseNode(file: string): boolean {
  return nodeFiles.some((pattern) => pattern.test(file.slice('src/'.length)));
}

/** The repository path that a relative specifier names. */
export function resolveFrom(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function wrongFile(seen: ImportSeen, to: string): string | undefined {
  const { from } = seen;
  if (!to.startsWith('src/')) return `${from} may import nothing outside src, and so not ${to}.`;
  const file = to.slice('src/'.length);
  if (everybodys.includes(file)) return undefined;
  const room = roomOf(from);
  if (isStore(file) && !file.startsWith(`${room}/`) && room !== 'runtime')
    return `${to} is a store: runtime alone picks one.`;
  return wrongName(seen, to) ?? wrongRoom(seen, file);
}

function wrongRoom({ from, typeOnly }: ImportSeen, file: string): string | undefined {
  const room = roomOf(from);
  if (room !== '' && file.startsWith(`${room}/`)) return undefined;
  const { may, types = [], why } = indexes[from] ?? rooms[room] ?? roomless;
  const reaches = (prefix: string): boolean => file.startsWith(prefix);
  if (may.some(reaches) || (typeOnly && types.some(reaches))) return undefined;
  const hint = types.some(reaches) ? ' except with import type' : '';
  return `${from} may not import src/${file}${hint}. ${why}`;
}

function wrongName(seen: ImportSeen, to: string): string | undefined {
  for (const [name, { home, users }] of Object.entries(guarded)) {
    const named = seen.names.includes(name) || (seen.names.includes('*') && !seen.typeOnly);
    if (to === home && named && !users.test(seen.from))
      return `${seen.from} may not import ${name} of ${home}.`;
  }
  return undefined;
}

function wrongPackage(file: string, specifier: string): string | undefined {
  const owner = packages.find(({ name }) => name.test(specifier));
  if (owner === undefined)
    return `src/${file} imports ${specifier}, which no room owns: see test/architecture/arrows.ts.`;
  return owner.files.test(file)
    ? undefined
    : `src/${file} may not import ${specifier}: it belongs to ${owner.files.source}.`;
}

/** `gate` of `src/gate/record.ts`; empty for files directly in `src/`. */
function roomOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : '';
}
