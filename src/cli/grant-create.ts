import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createGrant, type GrantOrder } from '../runtime/grants/create-grant.ts';
import { readGrantText } from '../runtime/grants/grant-text.ts';
import { readGrantKey, readPublicJwk } from '../runtime/grants/key-file.ts';
import { agentFault, tenantFault, toolFault } from '../runtime/home/api-key-scope.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';
import { expiryOf } from './key-time.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

/** `grant create`: a signed grant on standard output. */
export async function grantCreate(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      home: { type: 'string' },
      key: { type: 'string' },
      from: { type: 'string' },
      parent: { type: 'string' },
      agent: { type: 'string' },
      tool: { type: 'string', multiple: true, default: [] },
      when: { type: 'string', multiple: true, default: [] },
      calls: { type: 'string' },
      budget: { type: 'string' },
      expires: { type: 'string', default: '1h' },
      request: { type: 'string' },
      'holder-key': { type: 'string' },
      tenant: { type: 'string' },
    },
  });
  const now = Date.now();
  if (values.key === undefined) throw usage('Say with which key it is signed: --key FILE');
  const key = readGrantKey(resolve(io.cwd, values.key));
  io.stdout.write(`${await createGrant(orderFrom(values, io, now), key, now)}\n`);
  return 0;
}

interface Asked {
  readonly home?: string | undefined;
  readonly from?: string | undefined;
  readonly parent?: string | undefined;
  readonly agent?: string | undefined;
  readonly tool: readonly string[];
  readonly when: readonly string[];
  readonly calls?: string | undefined;
  readonly budget?: string | undefined;
  readonly expires: string;
  readonly request?: string | undefined;
  readonly 'holder-key'?: string | undefined;
  readonly tenant?: string | undefined;
}

function orderFrom(asked: Asked, io: Io, now: number): GrantOrder {
  const { agent, tool, when, calls, budget, expires, request } = asked;
  const holder = asked['holder-key'];
  if (agent === undefined) throw usage('Say whom it is for: --agent AGENT');
  check('agent', agent, agentFault);
  if (tool.length === 0) throw usage('Say what may be called: --tool PATTERN');
  for (const each of tool) check('tool', each, toolFault);
  return {
    ...namedBy(asked, agent, io),
    tools: tool,
    when,
    ...(calls !== undefined && { calls: callsOf(calls) }),
    ...(budget !== undefined && { budget: budgetOf(budget) }),
    lifetime: Date.parse(expiryOf(expires, now)) - now,
    ...(request !== undefined && { request }),
    ...(holder !== undefined && { holder: readPublicJwk(resolve(io.cwd, holder)) }),
  };
}

/** A home is looked at only for what it alone knows: whose agent a short name means. */
function namedBy(asked: Asked, agent: string, io: Io): Pick<GrantOrder, 'from' | 'agent'> {
  const { from, parent, tenant } = asked;
  if ((from === undefined) === (parent === undefined))
    throw usage('Say whose it is: --from NAME, or --parent FILE to hand a grant on.');
  if (tenant !== undefined) check('tenant', tenant, tenantFault);
  const config = agent.startsWith('spiffe://') ? undefined : homeOf(asked, io).config;
  const named = config === undefined ? agent : `spiffe://${config.trustDomain}/agent/${agent}`;
  if (from !== undefined)
    return { agent: named, from: { granter: from, tenant: tenant ?? config?.tenant ?? 'default' } };
  if (tenant !== undefined)
    throw usage('A grant that is handed on stays with its tenant: leave --tenant out.');
  return { agent: named, from: { parent: readGrantText(resolve(io.cwd, parent ?? '')) } };
}

function callsOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw usage('--calls takes a whole number.');
  return Number(text);
}

function budgetOf(text: string): { readonly limit: number; readonly amount: string } {
  const [, limit = '', amount = ''] = /^(\d{1,15}(?:\.\d{1,9})?)=(.+)$/s.exec(text) ?? [];
  if (amount === '') throw usage('--budget takes LIMIT=EXPRESSION, as in 1000=args.amount.');
  return { limit: Number(limit), amount };
}

function check(option: string, text: string, fault: (text: string) => string | undefined): void {
  const wrong = fault(text);
  if (wrong !== undefined) throw usage(`--${option} “${printable(text)}” ${wrong}.`);
}
