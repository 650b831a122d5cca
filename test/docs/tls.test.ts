import { describe, expect, it } from 'vitest';
import { reasonCodes } from '../../src/names.ts';
import { readConfig } from '../../src/runtime/config/read.ts';
import { blocks, page } from './pages.ts';

const text = page('docs/tls.md');

describe('docs/tls.md', () => {
  it('shows configurations that are valid', () => {
    const shown = blocks(text, 'yaml').map((configuration) =>
      readConfig({ name: 'docs/tls.md', text: configuration, env: { AGENTS_CA: '-----BEGIN …' } }),
    );
    expect(shown[0]?.listen).toEqual({
      tcp: { host: '0.0.0.0', port: 8443 },
      tls: { certificate: 'gate.pem', key: 'gate.key', clients: 'optional' },
    });
    expect(shown[1]?.identity?.certificates.devices).toMatchObject([{ id: 'subject-cn', trust: 'managed' }]);
    expect(shown[2]?.publicUrl).toBe('https://gate.example.com');
    expect(shown).toHaveLength(4);
  });

  it('names every code of a certificate, and none that there is not', () => {
    const named = new Set([...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code));
    for (const code of named) expect(reasonCodes).toContain(code);
    for (const code of reasonCodes.filter((each) => /^CERTIFICATE_(?!NOT_VALID|REQUEST)/.test(each)))
      expect(named).toContain(code);
  });
});
