import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/call/json.ts';
import { agentPresets } from '../../src/identity/tokens/agent-presets.ts';
import { readToolLimit } from '../../src/identity/tokens/authorization-details.ts';
import { createNetworkMap } from '../../src/identity/network.ts';
import { tokenRefusals } from '../../src/identity/tokens/token-fault.ts';
import { reasonCodes } from '../../src/names.ts';
import { readConfig } from '../../src/runtime/config/read.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const text = page('docs/identity.md');

describe('docs/identity.md', () => {
  it('lists every code of a token, and no other', () => {
    const listed = firstCells(section(text, 'What a token has to be')).flatMap((cell) =>
      [...cell.matchAll(/`(HUMAN_TOKEN_\w+)`/g)].map(([, code]) => code),
    );
    const codes = reasonCodes.filter((code) => code.startsWith('HUMAN_TOKEN_'));
    expect(listed.toSorted()).toEqual(codes.toSorted());
  });

  it('has them alike for agents and devices', () => {
    const faults = (holder: string) =>
      reasonCodes.flatMap((code) => (code.startsWith(holder) ? [code.slice(holder.length)] : []));
    for (const holder of ['AGENT_TOKEN_', 'DEVICE_TOKEN_'])
      expect(faults(holder)).toEqual(faults('HUMAN_TOKEN_'));
  });

  it('names no code that there is not', () => {
    const named = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code);
    expect(named.length).toBeGreaterThan(30);
    for (const code of named) expect(reasonCodes).toContain(code);
  });

  it('lists every preset of agents, and no other', () => {
    const presets = firstCells(section(text, 'Agents')).map((cell) => cell.replaceAll('`', ''));
    expect(presets.filter((name) => name in agentPresets)).toEqual(Object.keys(agentPresets));
  });

  it('shows sections of a configuration that are valid', () => {
    const shown = blocks(text, 'yaml');
    expect(shown.length).toBeGreaterThan(1);
    for (const configuration of shown) readConfig({ name: 'docs/identity.md', text: configuration, env: {} });
  });

  it('shows details of an authorization that are taken', () => {
    const details = blocks(text, 'json').map((each) => JSON.parse(each) as JsonObject);
    const audiences = ['https://gate.example.com'];
    const limit = readToolLimit({ authorization_details: details }, audiences, tokenRefusals('HUMAN'));
    expect(limit?.tools).toEqual(['files/read_*', 'crm/*']);
  });

  it('shows a configuration that is valid', () => {
    const [configuration = ''] = blocks(text, 'yaml');
    const { identity } = readConfig({ name: 'docs/identity.md', text: configuration, env: {} });
    expect(identity?.humans.map(({ preset }) => preset)).toEqual(['entra', 'keycloak', 'generic']);
    expect(identity?.agents.map(({ preset }) => preset)).toEqual(['entra', 'github', 'spiffe']);
    const { zones = {}, trustedProxies = [] } = identity ?? {};
    const map = createNetworkMap({ zones: new Map(Object.entries(zones)), trustedProxies });
    expect(map.locate({ address: '2001:db8:30::1' }).zone).toBe('office');
  });
});
