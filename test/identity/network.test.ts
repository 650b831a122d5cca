import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNetworkMap, isCidr, parseAddress } from '../../src/identity/network.ts';
import { refused } from './tokens/tokens.ts';

const plant = createNetworkMap({
  zones: new Map([
    ['ot-control', ['10.20.0.0/16', '2001:db8:20::/48']],
    ['ot-dmz', ['10.20.30.0/24']],
    ['office', ['10.0.0.0/8']],
  ]),
  trustedProxies: ['10.20.0.5', '192.0.2.0/28', '2001:db8::5/128'],
});

const zoneOf = (address: string | undefined, forwardedFor?: string): string =>
  plant.locate({ address, forwardedFor }).zone;

describe('the zone of a call', () => {
  it.each([
    ['10.20.0.7', 'ot-control'],
    ['10.20.30.7', 'ot-dmz'],
    ['10.99.0.7', 'office'],
    ['2001:db8:20::7', 'ot-control'],
    ['2001:0DB8:0020:0:0:0:0:7', 'ot-control'],
    ['::ffff:10.20.0.7', 'ot-control'],
    ['::ffff:a14:7', 'ot-control'],
    ['203.0.113.9', 'unknown'],
    ['fe80::1%eth0', 'unknown'],
    ['::10.20.0.7', 'unknown'],
    ['64:ff9b::10.20.0.7', 'unknown'],
    ['64:ff9b::a14:7', 'unknown'],
  ])('from %s is %s: the longest prefix wins', (address, zone) => {
    expect(zoneOf(address)).toBe(zone);
  });

  it.each([undefined, '', 'localhost', '10.20.7', '0x0a.20.0.7', '010.20.0.7', '169082887', '10.20.0.7:443'])(
    'is unknown where the socket says %j',
    (address) => {
      expect(plant.locate({ address })).toMatchObject({ zone: 'unknown' });
      expect(plant.locate({ address })).not.toHaveProperty('ip');
    },
  );

  it('says how it is known, and one spelling of the address', () => {
    expect(plant.locate({ address: '::ffff:10.20.0.7' })).toEqual({
      ip: '10.20.0.7',
      zone: 'ot-control',
      source: 'socket',
    });
    expect(plant.locate({ address: '192.0.2.1', forwardedFor: '10.20.0.7' })).toEqual({
      ip: '10.20.0.7',
      zone: 'ot-control',
      source: 'trusted-proxy',
    });
  });
});

describe('a trusted proxy', () => {
  it.each(['10.20.0.5', '192.0.2.15', '::ffff:192.0.2.1', '2001:db8::5'])(
    'is the other end %s',
    (address) => {
      expect(plant.isTrustedProxy({ address })).toBe(true);
      expect(plant.isTrustedProxy({ address, forwardedFor: '203.0.113.9' })).toBe(true);
    },
  );

  it.each(['10.20.0.6', '192.0.2.16', '2001:db8::6', '10.20.5', '', undefined])('is not %j', (address) => {
    expect(plant.isTrustedProxy({ address, forwardedFor: '192.0.2.1' })).toBe(false);
  });
});

describe('X-Forwarded-For', () => {
  it('is worth nothing from anybody but a trusted proxy', () => {
    expect(zoneOf('203.0.113.9', '10.20.0.7')).toBe('unknown');
    expect(zoneOf(undefined, '10.20.0.7')).toBe('unknown');
    expect(zoneOf('10.99.0.7', '10.20.0.7')).toBe('office');
  });

  it.each([
    ['what the client wrote to the left of the proxy’s own entry', '10.20.0.7, 203.0.113.9', 'unknown'],
    ['a trusted proxy named by the client', '10.20.0.7, 192.0.2.2, 203.0.113.9', 'unknown'],
    ['a second proxy in between, and what is left of it', '10.99.0.1, 10.20.0.7, 192.0.2.2', 'ot-control'],
    ['an entry that is no address', '10.20.0.7, evil', 'unknown'],
    ['an empty entry', '10.20.0.7,', 'unknown'],
    ['an entry with a port', '10.20.0.7:1234', 'unknown'],
    ['an entry in brackets', '[2001:db8:20::7]', 'unknown'],
    ['an obfuscated entry', '_hidden', 'unknown'],
    ['nothing but proxies', '192.0.2.3, 192.0.2.2', 'unknown'],
    ['nothing', '', 'unknown'],
  ])('is read from the right: %s', (_, forwardedFor, zone) => {
    expect(zoneOf('192.0.2.1', forwardedFor)).toBe(zone);
  });

  it('is needed from a proxy: without it nobody knows for whom it asks, whatever zone it is in itself', () => {
    expect(zoneOf('10.20.0.5')).toBe('unknown');
    expect(zoneOf('10.20.0.5', '10.20.0.7')).toBe('ot-control');
  });

  it('is not walked for ever', () => {
    expect(
      zoneOf('192.0.2.1', ['10.20.0.7', ...Array.from({ length: 32 }, () => '192.0.2.2')].join(', ')),
    ).toBe('unknown');
  });

  it('never throws, and never moves anybody who is behind no proxy', () => {
    const entry = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constant('192.0.2.2'));
    const header = fc.array(entry, { maxLength: 40 }).map((entries) => entries.join(','));
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), header, (address, forwardedFor) => {
        const { source, zone } = plant.locate({ address, forwardedFor });
        if (source === 'socket') expect(zone).toBe(zoneOf(address));
      }),
    );
  });
});

describe('a key that counts from some networks', () => {
  it('counts there, and not from a proxy that does not say more', () => {
    const within = (address: string | undefined, forwardedFor?: string): boolean =>
      plant.isWithin({ address, forwardedFor }, ['10.20.0.0/16', 'not a block']);
    expect(within('10.20.0.7')).toBe(true);
    expect(within('192.0.2.1', '10.20.0.7')).toBe(true);
    expect(within('10.99.0.7')).toBe(false);
    expect(within('203.0.113.9', '10.20.0.7')).toBe(false);
    expect(within('10.20.0.5')).toBe(false);
    expect(within(undefined)).toBe(false);
  });

  it('counts from nowhere when its list is empty', () => {
    expect(plant.isWithin({ address: '10.20.0.7' }, [])).toBe(false);
  });
});

describe('a CIDR block', () => {
  it.each(['10.0.0.0/8', '10.0.0.1', '0.0.0.0/0', '::/0', '2001:db8::/32', '::1'])('is %s', (text) => {
    expect(isCidr(text)).toBe(true);
  });

  it.each([
    ...[
      '',
      '10.0.0.0/33',
      '10.0.0.0/-1',
      '10.0.0.0/08',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0/8',
      '10.0.0.1/8',
    ],
    ...['::/129', '::ffff:10.0.0.0/104', 'fe80::%eth0/64', '2001:db8::1/32', '10.0.0.0/8 '],
  ])('is not %j', (text) => {
    expect(isCidr(text)).toBe(false);
  });

  it('belongs to one zone', () => {
    const zones = new Map([
      ['a', ['10.0.0.0/8']],
      ['b', ['10.0.0.0/8']],
    ]);
    expect(() => createNetworkMap({ zones, trustedProxies: [] })).toThrow(refused('CONFIG_INVALID'));
    expect(() => createNetworkMap({ zones: new Map(), trustedProxies: ['proxy'] })).toThrow(
      refused('CONFIG_INVALID'),
    );
  });

  it('covers what Node’s own block list says that it covers', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.constant('ipv4' as const)),
          fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.constant('ipv6' as const)),
        ),
        ([base, address, bits, family]) => {
          const isPlain = (text: string): boolean => !/^::ffff:|:.*\./i.test(text);
          fc.pre(isCidr(`${base}/${bits}`) && isPlain(base) && isPlain(address));
          const reference = new BlockList();
          reference.addSubnet(base, bits, family);
          const map = createNetworkMap({ zones: new Map([['in', [`${base}/${bits}`]]]), trustedProxies: [] });
          for (const one of [base, address])
            expect([one, map.locate({ address: one }).zone === 'in']).toEqual([
              one,
              reference.check(one, family),
            ]);
        },
      ),
    );
  });

  it('is made of addresses that Node takes too', () => {
    const texts = fc.oneof(
      fc.ipV4(),
      fc.ipV4Extended(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-fx.:%]{1,20}$/),
    );
    fc.assert(
      fc.property(texts, (text) => {
        if (parseAddress(text) !== undefined) expect(isIP(text)).not.toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
