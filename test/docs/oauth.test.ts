import { describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/names.ts';
import { readConfig } from '../../src/runtime/config/read.ts';
import { protectedResource } from '../../src/runtime/serve/protected-resource.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const events = page('docs/security-events.md');
const oauth = page('docs/oauth.md');
const configured = (text: string) => {
  const [configuration = ''] = blocks(text, 'yaml');
  return readConfig({ name: 'docs', text: configuration, env: {} });
};

describe('docs/security-events.md', () => {
  it('shows a configuration that is valid', () => {
    const transmitters = configured(events).identity?.events;
    expect(transmitters?.map(({ devices }) => devices)).toEqual([false, true]);
  });

  it('lists every code that an event can be refused with, and no other', () => {
    const listed = firstCells(section(events, 'What an event has to be')).flatMap((cell) =>
      [...cell.matchAll(/`(EVENT_TOKEN_\w+)`/g)].map(([, code]) => code),
    );
    // They are bound to no key, and never replayed in vain.
    const never = ['EVENT_TOKEN_UNBOUND', 'EVENT_TOKEN_PROOF_REPLAYED'];
    const codes = reasonCodes.filter((code) => code.startsWith('EVENT_TOKEN_') && !never.includes(code));
    expect(listed.toSorted()).toEqual(codes.toSorted());
  });
});

describe('docs/oauth.md', () => {
  it('shows a configuration that is valid, and whose tokens are for the URLs that it is served at', () => {
    const config = configured(oauth);
    expect(config.identity?.audience).toEqual([
      'https://gate.example.com',
      'https://gate.example.com/',
      'https://gate.example.com/mcp',
      'https://gate.example.com/mcp/plant',
    ]);
    expect(protectedResource(config)?.authorizationServers).toEqual(['https://idp.example.org']);
  });

  it('names no code that there is not', () => {
    for (const text of [events, oauth])
      for (const [, code] of text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)) expect(reasonCodes).toContain(code);
  });
});
