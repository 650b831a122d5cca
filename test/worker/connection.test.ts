import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peerOf } from '../../src/runtime/worker/connection.ts';
import { bundleWorker } from './support/bundle.ts';

const told = { certPresented: '1', certVerified: 'SUCCESS', certRevoked: '0', certRFC9440: ':BAUG:' };
const asked = (cf?: object, headers: Record<string, string> = {}): Request =>
  Object.assign(new Request('https://gate.example/', { headers }), { cf });

describe('a connection to the platform', () => {
  it('has the certificate that the platform has verified, and what came with it', () => {
    expect(peerOf(asked({ tlsClientAuth: told }))).toEqual({
      address: undefined,
      certificate: Uint8Array.of(4, 5, 6),
      chain: [],
    });
    const chained = { ...told, certChainRFC9440: ':BwgJ:, :CgsM:' };
    expect(peerOf(asked({ tlsClientAuth: chained })).chain).toHaveLength(2);
  });

  it.each([
    ['presented none', { certPresented: '0' }],
    ['says nothing of one', { certPresented: undefined }],
    ['says 1 as a number', { certPresented: 1 }],
    ['presented one that is not verified', { certVerified: 'NONE' }],
    ['presented one that failed', { certVerified: 'FAILED:self signed certificate' }],
    ['presented one that is revoked', { certRevoked: '1' }],
    ['presented one of which nobody says whether it is revoked', { certRevoked: undefined }],
    ['presented one that is too long', { certRFC9440: '' }],
    ['presented one that cannot be read', { certRFC9440: 'PEM' }],
    ['presented one with a chain that cannot be read', { certChainRFC9440: 'PEM' }],
  ])('that %s has none', (_, over) => {
    expect(peerOf(asked({ tlsClientAuth: { ...told, ...over } }))).not.toHaveProperty('certificate');
  });

  it('has none by the word of a header', () => {
    const headers = {
      'client-cert': ':BAUG:',
      'cf-client-cert-der-base64': 'BAUG',
      cf: JSON.stringify(told),
    };
    expect(peerOf(asked(undefined, headers))).toEqual({ address: undefined });
  });

  it('has the address that the platform names', () => {
    expect(peerOf(asked({}, { 'cf-connecting-ip': '203.0.113.9' }))).toEqual({ address: '203.0.113.9' });
  });
});

describe('the object of a Worker', () => {
  let workerd: Miniflare;
  beforeAll(async () => {
    const contents = await bundleWorker({ entry: join(import.meta.dirname, 'support/peer-worker.ts') });
    workerd = new Miniflare(
      convertV4MiniflareOptions({
        modules: [{ type: 'ESModule', path: 'worker.js', contents }],
        compatibilityDate: '2026-10-01',
        durableObjects: { LOG: { className: 'Log', useSQLite: true } },
        host: '127.0.0.1',
        port: 0,
      }),
    );
    await workerd.ready;
  }, 120_000);
  afterAll(() => workerd.dispose());

  it('knows the certificate that the platform has told the Worker of', async () => {
    const answer = await workerd.dispatchFetch('https://gate.example/', {
      cf: { tlsClientAuth: { ...told, certChainRFC9440: ':BwgJ:' } as never },
    });
    expect(await answer.json()).toMatchObject({ certificate: [4, 5, 6], chain: 1 });
    const without = await workerd.dispatchFetch('https://gate.example/', {
      headers: { 'client-cert': ':BAUG:' },
    });
    expect(await without.json()).not.toHaveProperty('certificate');
  });
});
