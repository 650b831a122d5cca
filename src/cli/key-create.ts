import { parseArgs } from 'node:util';
import type { ApiKeyScope } from '../runtime/home/api-key-mint.ts';
import {
  agentFault,
  networkFault,
  shortAgentName,
  tenantFault,
  toolFault,
} from '../runtime/home/api-key-scope.ts';
import { createApiKey } from '../runtime/home/api-keys.ts';
import type { HomeConfig } from '../runtime/home/open-home.ts';
import { homeOf } from './home.ts';
import { homeFlags } from './home-options.ts';
import type { Io } from './io.ts';
import { keyJson, showKey } from './key-text.ts';
import { expiryOf } from './key-time.ts';
import { printable } from './printable.ts';
import { usage } from './report.ts';

/** `key create`: another key, printed once. */
export async function keyCreate(args: readonly string[], io: Io): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...homeFlags,
      agent: { type: 'string', multiple: true },
      tool: { type: 'string', multiple: true },
      network: { type: 'string', multiple: true },
      expires: { type: 'string' },
      tenant: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const home = homeOf(values, io);
  const now = Date.now();
  const issued = await createApiKey(home, scopeFrom(values, home.config, now));
  if (values.json) {
    io.stdout.write(`${JSON.stringify({ apiKey: issued.apiKey, ...keyJson(issued.record, now) })}\n`);
  } else {
    showKey(issued, `Made the API key ${issued.record.id}`, io);
  }
  return 0;
}

interface Asked {
  readonly agent?: readonly string[];
  readonly tool?: readonly string[];
  readonly network?: readonly string[];
  readonly expires?: string;
  readonly tenant?: string;
}

function scopeFrom(
  asked: Asked,
  config: Pick<HomeConfig, 'tenant' | 'trustDomain'>,
  now: number,
): ApiKeyScope {
  const { agent = ['default'], tool, network, expires, tenant } = asked;
  if (tenant !== undefined) check('tenant', tenant, tenantFault);
  return {
    tenant: tenant ?? config.tenant,
    agents: distinct(
      allOf('agent', agent, agentFault).map((each) => shortAgentName(each, config.trustDomain)),
    ),
    ...(tool && { tools: distinct(allOf('tool', tool, toolFault)) }),
    ...(network && { cidrs: distinct(allOf('network', network, networkFault)) }),
    ...(expires !== undefined && { notAfter: expiryOf(expires, now) }),
  };
}

function allOf(option: string, given: readonly string[], fault: Fault): readonly string[] {
  for (const each of given) check(option, each, fault);
  return given;
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}

type Fault = (text: string) => string | undefined;

function check(option: string, text: string, fault: Fault): void {
  const wrong = fault(text);
  if (wrong !== undefined) throw usage(`--${option} “${printable(text)}” ${wrong}.`);
}
