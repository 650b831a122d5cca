/**
 * What a condition may read, declared once: the load-time check refuses every name that is not here. The gate fills
 * exactly these fields, from verified attributes only.
 */

/** Kinds of scalar values. `json` is a value of the caller's: any kind, its numbers are doubles. `any` is not known. */
export type Scalar =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'json'
  | 'any'
  /** The element of an empty list. */
  | 'never';

export interface ListShape {
  readonly kind: 'list';
  readonly of: Shape;
}

export interface MapShape {
  readonly kind: 'map';
  readonly of: Shape;
}

/** A root with declared fields. */
export interface RecordShape {
  readonly kind: 'record';
  readonly name: string;
  readonly fields: ReadonlyMap<string, Shape>;
}

export type Shape = Scalar | ListShape | MapShape | RecordShape;

export function listOf(of: Shape): ListShape {
  return { kind: 'list', of };
}

function record(name: string, fields: Record<string, Shape>): RecordShape {
  return { kind: 'record', name, fields: new Map(Object.entries(fields)) };
}

/**
 * The variables of a condition.
 *
 * - `human`, `device` and `network` may be absent as a whole: reading them is then an error, and so a DENY.
 * - Of `human` all but `issuer`, `subject`, `tenant`, `roles` and `binding` may be absent, and so may `network.ip`, `tool.annotations` and
 *   the `issuer` of an actor: test them with `has`. `human.authTime` and `human.issuedAt` are seconds since 1970.
 * - `human.act`: the current actor first, then whom that one had it from.
 * - `tool.accepted`: an operator accepted exactly this tool definition; false for what is not a tools/call.
 * - `tool.listed`: the server statically lists this tool, resource, prompt or completion reference. Its word alone: it
 *   is enough for reading what a server publishes, never for a tool.
 * - `tool.annotations`: the server's own hints, present only when an operator accepted them.
 * - `request` is absent as a whole where nobody told what the person asked for.
 * - `history`: whether an output that is not trusted, or one that is sensitive, was let into this delegation, and how often each
 *   tool (`server/tool`) was allowed.
 * - `origins`: of each text and number in `args`, where it was seen: `request`, `constant`, `trusted:server/tool`, `untrusted:server/tool`.
 */
export const roots: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['agent', record('agent', { id: 'string', issuer: 'string', binding: 'string' })],
  [
    'human',
    record('human', {
      issuer: 'string',
      subject: 'string',
      tenant: 'string',
      roles: listOf('string'),
      groups: listOf('string'),
      authTime: 'double',
      issuedAt: 'double',
      clientId: 'string',
      scopes: listOf('string'),
      acr: 'string',
      amr: listOf('string'),
      sid: 'string',
      act: listOf(record('an actor', { issuer: 'string', subject: 'string' })),
      binding: 'string',
    }),
  ],
  ['device', record('device', { id: 'string', trust: 'string' })],
  ['network', record('network', { ip: 'string', zone: 'string' })],
  ['session', record('session', { id: 'string', tenant: 'string', mode: 'string' })],
  [
    'tool',
    record('tool', {
      server: 'string',
      name: 'string',
      accepted: 'bool',
      listed: 'bool',
      annotations: 'json',
    }),
  ],
  ['args', 'json'],
  ['request', record('request', { text: 'string', signed: 'bool' })],
  [
    'history',
    record('history', { untrusted: 'bool', sensitive: 'bool', calls: { kind: 'map', of: 'double' } }),
  ],
  ['origins', { kind: 'map', of: listOf('string') }],
  ['now', 'timestamp'],
]);
