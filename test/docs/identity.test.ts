import { describe, expect, it } from 'vitest';
import { createNetworkMap } from '../../src/identity/network.ts';
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

  it('has them alike for devices', () => {
    const faults = (holder: string) =>
      reasonCodes.flatMap((code) => (code.startsWith(holder) ? [code.slice(holder.length)] : []));
    expect(faults('DEVICE_TOKEN_')).toEqual(faults('HUMAN_TOKEN_'));
  });

  it('shows a configuration that is valid', () => {
    const [configuration = ''] = blocks(text, 'yaml');
    const { identity } = readConfig({ name: 'docs/identity.md', text: configuration, env: {} });
    expect(identity?.humans.map(({ preset }) => preset)).toEqual(['entra', 'keycloak', 'generic']);
    const { zones = {}, trustedProxies = [] } = identity ?? {};
    const map = createNetworkMap({ zones: new Map(Object.entries(zones)), trustedProxies });
    expect(map.locate({ address: '2001:db8:30::1' }).zone).toBe('office');
  });
});
