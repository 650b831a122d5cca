import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { protectedResource } from '../../../src/runtime/serve/protected-resource.ts';
import { refused } from '../../identity/tokens/tokens.ts';

const read = (text: string) => readConfig({ name: 'countersign.yaml', text: `version: 1\n${text}`, env: {} });
const identity = (more = '', issuer = 'https://idp.test') =>
  `identity: { humans: [{ issuer: "${issuer}", keys: { url: "https://idp.test/jwks" } }]${more} }\n`;
const events = (more: string) =>
  `identity: { events: [{ issuer: "https://idp.test", keys: { url: "https://idp.test/jwks" }${more} }] }\n`;

describe('whom tokens have to be for', () => {
  it('is what is told, whatever the gateway is called', () => {
    const config = read(`publicUrl: https://gate.test\n${identity(', audience: us')}`);
    expect(config.identity?.audience).toEqual(['us']);
  });

  it('is what callers call the gateway, where nothing is told', () => {
    expect(read(`publicUrl: https://gate.test/\n${identity()}`).identity?.audience).toEqual([
      'https://gate.test',
      'https://gate.test/',
      'https://gate.test/mcp',
    ]);
  });

  it('is never anybody', () => {
    expect(() => read(identity())).toThrow(refused('CONFIG_INVALID'));
    expect(() => read(identity())).toThrow(/countersign.yaml:2:\d+: identity.humans.0: needs an audience/);
    expect(() => read(events(''))).toThrow(/identity.events.0: needs an audience/);
    expect(read(events(', audience: us')).identity?.events).toHaveLength(1);
  });

  it('is said by each transmitter of events once', () => {
    const twice = '{ issuer: a, keys: { url: "https://a.test/" }, audience: us }';
    expect(() => read(`identity: { events: [${twice}, ${twice}] }`)).toThrow(/has this name/);
  });
});

describe('a protected resource', () => {
  const resource = (text: string) => protectedResource(read(text));

  it('is what has a name, and somebody who logs people in', () => {
    expect(resource(`publicUrl: https://gate.test\n${identity()}`)).toMatchObject({
      publicUrl: 'https://gate.test',
      authorizationServers: ['https://idp.test'],
      bindsCertificates: false,
    });
    expect(resource(identity(', audience: us'))).toBeUndefined();
    expect(resource('publicUrl: https://gate.test')).toBeUndefined();
  });

  it.each(['http://idp.test', 'kubernetes', 'https://idp.test?tenant=1'])(
    'sends nobody to an issuer that is no https URL: %s',
    (issuer) => {
      expect(resource(`publicUrl: https://gate.test\n${identity('', issuer)}`)).toBeUndefined();
    },
  );
});
