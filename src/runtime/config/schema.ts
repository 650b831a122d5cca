import { z } from 'zod';
import { rivals } from '../../gateway/http/mcp/aggregate/names.ts';
import { humanSchema, loginSchema } from './acting-schema.ts';
import { approvalsSchema, requireLocalPage } from './approvals-schema.ts';
import { durationSchema, headersSchema } from './common-schema.ts';
import { onBehalfSchema, requireOneAuthority, requirePeople } from './exchange-schema.ts';
import { withAudiences } from './audiences.ts';
import { identitySchema } from './identity-schema.ts';
import { notifySchema } from './notify-schema.ts';
import { tlsSchema, type TlsConfig } from './tls-schema.ts';

/** What `countersign.yaml` may say. Strict: a misspelt field would silently be a default. */

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

const tcpDefaults = { host: '127.0.0.1', port: 8_787 };

const listen = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe('The address to listen on: loopback (127.0.0.1) unless told.'),
    port: z.int().min(0).max(65_535).optional().describe('8787 unless told; 0 lets the system choose one.'),
    socket: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A unix socket, relative to this file. In place of TCP unless host, port or tls is told as well.',
      ),
    tls: tlsSchema.optional().describe('TLS on TCP, in place of plain HTTP. The unix socket stays plain.'),
  })
  .transform(({ host, port, socket, tls }): Listen => {
    const tcp = { host: host ?? tcpDefaults.host, port: port ?? tcpDefaults.port };
    const secured = tls && { tls };
    if (socket === undefined) return { tcp, ...secured };
    const isOnTcp = host !== undefined || port !== undefined || tls !== undefined;
    return isOnTcp ? { tcp, ...secured, socket } : { socket };
  });

interface Tcp {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
}
type Listen =
  | { readonly tcp: Tcp; readonly tls?: TlsConfig; readonly socket?: string }
  | { readonly tcp?: undefined; readonly tls?: undefined; readonly socket: string };

const request = z.strictObject({
  method: z.enum(['POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
  url: httpUrl.describe('The one place that carries the action out. Redirects are not followed.'),
  headers: headersSchema.describe(
    'Sent along, credentials included: ${env:NAME} keeps them out of this file.',
  ),
  timeout: durationSchema.default(10_000).describe('How long the whole answer may take, such as 10s.'),
});

const action = z.strictObject({
  description: z.string().optional().describe('For people; part of what is pinned.'),
  parameters: z
    .record(z.string(), z.json())
    .describe('JSON Schema 2020-12 of the body: an object. What does not fit it is denied.'),
  request,
});

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be small letters, digits, dots, dashes and underscores');

const commandServer = z.strictObject({
  command: z.string().min(1).describe('The program; started without a shell, once for each conversation.'),
  args: z.array(z.string()).default([]),
  env: z
    .record(z.string(), z.string())
    .default({})
    .describe("Added to the gateway's environment, which is passed without what is ours."),
  cwd: z.string().optional().describe('Relative to this file.'),
  relay: z.array(z.string()).default([]).describe('Further methods that pass undecided, such as vendor/*.'),
});

const plainUrlServer = z.strictObject({
  url: httpUrl.describe('Its MCP endpoint. Redirects are not followed.'),
  transport: z
    .enum(['streamable-http', 'sse'])
    .default('streamable-http')
    .describe('sse is HTTP+SSE of revision 2024-11-05.'),
  headers: headersSchema.describe(
    "Sent with every request: the gateway's own credentials. ${env:NAME} keeps them out of this file.",
  ),
  relay: z.array(z.string()).default([]).describe('Further methods that pass undecided, such as vendor/*.'),
  onBehalf: onBehalfSchema
    .optional()
    .describe('Asked in the name of each person, by token exchange (RFC 8693).'),
});
const urlServer = plainUrlServer.superRefine(requireOneAuthority);

/** What is said of them here is for editors: `home-config.ts` reads them, for `wrap` as well, which must start fast. */
const witness = z.strictObject({
  url: httpUrl.describe('Where the witness is asked: https, or http on this machine.'),
  key: z.string().describe('Its vkey.'),
  timeout: z
    .number()
    .positive()
    .max(5)
    .optional()
    .describe('Seconds that one asking may take; 3 unless told.'),
});

/** At /mcp a tool is SERVER__NAME: of no name may two servers be meant. */
function requireApart(servers: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  const [one, other] = rivals(Object.keys(servers)) ?? [];
  if (other === undefined) return;
  const message = `${one}__… and ${other}__… could be the same tool at /mcp: give one of them another name`;
  context.addIssue({ code: 'custom', path: [other], message });
}

const sections = z.strictObject({
  version: z.literal(1),
  mode: z
    .enum(['same-user', 'isolated'])
    .default('same-user')
    .describe(
      'What every statement says of the gate. isolated: callers cannot reach home and keys; checked at the start.',
    ),
  listen: listen.prefault({}),
  hosts: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9.:[\]-]+$/, 'must be a host name, with a port where it is not the default one'),
    )
    .default([])
    .describe('Further values of the Host header that are answered: the public name behind a proxy.'),
  publicUrl: httpUrl
    .refine((url) => !/[?#]/.test(url), 'has neither query nor fragment')
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .describe('What callers call this gateway, where a proxy is before it: proofs of possession name it.'),
  origins: z.array(httpUrl).default([]).describe('Origins of web pages that may call. None unless told.'),
  policies: z
    .array(z.string().min(1))
    .default([])
    .describe("Policy files, relative to this one; the home's policy unless told."),
  actions: z
    .record(name, action)
    .default({})
    .describe('POST /actions/NAME: what it takes, and what carries it out.'),
  servers: z
    .record(name, z.union([commandServer, urlServer]))
    .superRefine(requireApart)
    .default({})
    .describe('MCP servers: each at /mcp/NAME, all together at /mcp.'),
  identity: identitySchema
    .optional()
    .describe('Whose word counts on humans, devices and networks; without it an API key is all that counts.'),
  login: loginSchema
    .optional()
    .describe('Where countersign login logs people in that wrapped servers act for.'),
  human: humanSchema.optional().describe('Where wrapped servers get the token of a person otherwise.'),
  witnesses: z
    .array(witness)
    .optional()
    .describe("Who sees the log's heads; those of the home's countersign.yaml unless told."),
  approvals: approvalsSchema.optional().describe('The page on which people approve calls with a passkey.'),
  notify: notifySchema.describe('Who is told what came of calls, by the name that rules know them by.'),
  metrics: z
    .strictObject({
      public: z.boolean().default(false).describe('Whether /metrics is answered without an API key.'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      body: z.int().min(1_024).max(67_108_864).default(1_048_576).describe('Bytes of one request body.'),
      inFlight: z.int().min(1).max(65_536).default(1_024).describe('Requests at a time; more get 503.'),
      inFlightPerKey: z
        .int()
        .min(1)
        .max(65_536)
        .default(256)
        .describe('The same of one API key; more get 429.'),
      streams: z.int().min(1).max(65_536).default(4_096).describe('Open streams of events, counted apart.'),
      streamsPerKey: z.int().min(1).max(65_536).default(128).describe('The same of one API key.'),
      connections: z
        .int()
        .min(1)
        .max(1_048_576)
        .default(16_384)
        .describe('Idle ones included; more are closed.'),
    })
    .prefault({}),
});

export const configSchema = sections
  .superRefine(requirePeople)
  .superRefine(requireLocalPage)
  .transform(withAudiences);

/** A configuration with every default filled in. Durations are milliseconds. */
export type Config = z.output<typeof configSchema>;

/** The schema that editors take: JSON Schema 2020-12 of what is written. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
}
