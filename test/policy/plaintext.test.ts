import { createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64, base64url, fromHex } from '../../src/call/sha256.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { PlaintextField, Policy } from '../../src/policy/policy.ts';
import { recipientOfBase64, type Recipient } from '../../src/policy/recipient.ts';
import { drop, keep, redact, strictest, type Treatment } from '../../src/policy/treatment.ts';
import { refusalOf } from './support/refusals.ts';

/** Public keys of RFC 9180, A.1.1 and A.3.1. */
const x25519 = base64(
  fromHex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d') ?? new Uint8Array(),
);
const p256 = base64(
  fromHex(
    '04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
  ) ?? new Uint8Array(),
);
const jwks = {
  x25519: '{kty: OKP, crv: X25519, x: OUjP4K0d22ldeA5ZB3GV2mxWUGsCcyl5SrAryoCBXE0}',
  p256: '{kty: EC, crv: P-256, x: _owZzgkFGR68KYqSRXklMfJvDOziRgY56Lw5y39waoI, y: anebTPlpuKDlOcf2L7PTCtaqj4DjDx0Siq_WiiznLqA, kid: auditor}',
};

function pack(...rules: readonly string[]): string {
  const plaintext = rules.length === 0 ? '' : `plaintext:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`;
  return `version: 1\nname: test\nrules:\n  - {id: r, effect: allow, tools: ["*/*"]}\n${plaintext}`;
}

const policyOf = (...rules: readonly string[]): Policy =>
  compilePolicy([{ name: 'test.yaml', text: pack(...rules) }]);
const refusal = (rule: string): string => refusalOf(pack(rule));
const readFile = { server: 'files', name: 'read_file' };
const kindOf = (policy: Policy, field: PlaintextField, tool = readFile): string =>
  policy.plaintextOf(tool, field).kind;

describe('what a policy says of plaintext', () => {
  it('is what the guide shows', () => {
    const guide = readFileSync('docs/plaintext.md', 'utf8');
    const [, shown = ''] = /^```yaml\n([^]*?)^```$/m.exec(guide) ?? [];
    const policy = compilePolicy([
      { name: 'docs/plaintext.md', text: shown },
      { name: 'rules.yaml', text: pack() },
    ]);
    expect(kindOf(policy, '/body', { server: 'mail', name: 'send' })).toBe('redact');
    expect(kindOf(policy, 'params', { server: 'vault', name: 'read' })).toBe('drop');
    expect(kindOf(policy, '/iban', { server: 'bank', name: 'transfer' })).toBe('encrypt');
  });

  it('is by default that calls are kept, and of results the salts', () => {
    const policy = policyOf();
    const said = (['/path', 'action', 'params', 'input', 'result'] as const).map((field) =>
      kindOf(policy, field),
    );
    expect(said).toEqual(['keep', 'keep', 'keep', 'keep', 'redact']);
  });

  it('is about the fields and tools that a rule names, and leaves the others at their default', () => {
    const policy = policyOf('{tools: ["files/*"], fields: ["/content", result], treatment: drop}');
    expect(kindOf(policy, '/content')).toBe('drop');
    expect(kindOf(policy, 'result')).toBe('drop');
    expect(kindOf(policy, '/path')).toBe('keep');
    expect(kindOf(policy, '/content', { server: 'mail', name: 'send' })).toBe('keep');
    // The answer for one tool is not that for the next.
    expect(kindOf(policy, '/content')).toBe('drop');
  });

  it('may be that results are kept', () => {
    expect(kindOf(policyOf('{tools: ["*/*"], fields: ["*"], treatment: keep}'), 'result')).toBe('keep');
  });

  it('is the strictest of several rules, in whichever order and pack they stand', () => {
    const all = '{tools: ["files/*"], fields: ["*"], treatment: redact}';
    const one = '{tools: ["*/read_file"], fields: ["/path"], treatment: keep}';
    const none = '{tools: ["files/read_file"], fields: ["/path"], treatment: drop}';
    expect(kindOf(policyOf(one, all), '/path')).toBe('redact');
    expect(kindOf(policyOf(all, one), '/path')).toBe('redact');
    expect(kindOf(policyOf(none, one, all), '/path')).toBe('drop');
    const packs = [pack(all), pack(none).replace('name: test', 'name: more').replace('id: r', 'id: s')];
    const joined = compilePolicy(packs.map((text, i) => ({ name: `${i}.yaml`, text })));
    expect(kindOf(joined, '/path')).toBe('drop');
  });

  it('takes an argument’s name as a JSON pointer, whatever the name is', () => {
    const policy = policyOf('{tools: ["*/*"], fields: ["/a~1b", "/~0", "/", "/__proto__"], treatment: drop}');
    for (const field of ['/a~1b', '/~0', '/', '/__proto__'] as const)
      expect(kindOf(policy, field)).toBe('drop');
    expect(kindOf(policy, '/constructor')).toBe('keep');
  });

  it.each([
    ['base64, X25519', `"${x25519}"`, x25519],
    ['JWK, X25519', jwks.x25519, x25519],
    ['base64, P-256', `"${p256}"`, p256],
    ['JWK, P-256', jwks.p256, p256],
  ])('may be to seal it to a public key: %s', (_, key, publicKey) => {
    const policy = policyOf(encryptTo(key));
    const treatment = policy.plaintextOf(readFile, 'result');
    expect(treatment).toEqual({ kind: 'encrypt', recipient: recipientOfBase64(publicKey) });
  });
});

function encryptTo(key: string): string {
  return `{tools: ["*/*"], fields: ["*"], treatment: encrypt, key: ${key}}`;
}

describe('a rule on plaintext is refused', () => {
  const rule = (fields: string): string => `{tools: ["*/*"], fields: ${fields}, treatment: drop}`;

  it.each([
    ['a treatment that does not exist', '{tools: ["*/*"], fields: ["*"], treatment: hide}', 'hide'],
    ['no treatment', '{tools: ["*/*"], fields: ["*"]}', 'treatment'],
    ['no tools', '{fields: ["*"], treatment: drop}', 'tools'],
    ['an empty list of tools', '{tools: [], fields: ["*"], treatment: drop}', 'names no tool'],
    ['a tool that is none', '{tools: ["files"], fields: ["*"], treatment: drop}', 'server/tool'],
    ['no fields', '{tools: ["*/*"], treatment: drop}', 'fields'],
    ['an empty list of fields', rule('[]'), 'names no field'],
    ['an argument without its slash', rule('[path]'), 'unknown field'],
    ['a part of an argument', rule('["/config/password"]'), 'whole argument'],
    ['a pointer that is none', rule('["/a~2"]'), 'unknown field'],
    ['a field that is no string', rule('[1]'), 'string'],
    ['another field', '{tools: ["*/*"], fields: ["*"], treatment: drop, when: "true"}', 'unknown field'],
    ['encrypt without a key', '{tools: ["*/*"], fields: ["*"], treatment: encrypt}', 'key'],
    ['a key without encrypt', `{tools: ["*/*"], fields: ["*"], treatment: drop, key: "${x25519}"}`, 'key'],
    ['a key that is no base64', encryptTo('"!"'), 'base64'],
    ['a key of another length', encryptTo('"AAAA"'), '32 bytes'],
    ['a private key', encryptTo('{kty: OKP, crv: X25519, x: A, d: A}'), 'private'],
    ['a JWK of another curve', encryptTo('{kty: EC, crv: P-384, x: A, y: A}'), 'P-256 or OKP X25519'],
    ['a JWK with a short coordinate', encryptTo('{kty: OKP, crv: X25519, x: AAAA}'), '32 bytes'],
    ['a list as a key', encryptTo('[]'), 'JWK'],
  ])('for %s', (_, text, said) => {
    const message = refusal(text);
    expect(message).toMatch(/^a\.yaml:6:\d+: /);
    expect(message).toContain(said);
  });

  it('for a point that is not on P-256: it could take the private key apart', () => {
    const point = Uint8Array.from(atob(p256), (char) => char.charCodeAt(0));
    point[64] = (point[64] ?? 0) ^ 1;
    expect(refusal(encryptTo(`"${base64(point)}"`))).toContain('no point of P-256');
  });

  it('for a key of X25519 that gives everybody the same secret', () => {
    const lowOrder = [
      '00'.repeat(32),
      `01${'00'.repeat(31)}`,
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
      `00${'00'.repeat(30)}80`,
    ];
    for (const hex of lowOrder) {
      const key = fromHex(hex) ?? new Uint8Array();
      expect(refusal(encryptTo(`"${base64(key)}"`))).toContain('low order');
      expect(() => sharedSecret(key)).toThrow();
    }
    expect(sharedSecret(Uint8Array.from(atob(x25519), (char) => char.charCodeAt(0))).length).toBe(32);
  });

  it('when there are too many of them', () => {
    const rules = Array.from({ length: 257 }, () => rule('["*"]'));
    expect(refusalOf(pack(...rules))).toContain('256');
  });

  it('and plaintext is a list', () => {
    expect(refusalOf(`${pack()}plaintext: drop\n`)).toContain('a.yaml:5:12');
  });
});

/** What OpenSSL says of a peer's key: it refuses a secret that is zero (RFC 7748 §6.1). */
function sharedSecret(publicKey: Uint8Array): Uint8Array {
  const { privateKey } = generateKeyPairSync('x25519');
  const jwk = { kty: 'OKP', crv: 'X25519', x: base64url(publicKey) };
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
}

describe('the strictest of two treatments', () => {
  const recipients = [recipientOfBase64(x25519), recipientOfBase64(p256)] as const;
  const encrypt = (recipient: Recipient): Treatment => ({ kind: 'encrypt', recipient });
  const treatments = [keep, redact, drop, ...recipients.map(encrypt)];
  const any = fc.constantFrom(...treatments);

  it('does not depend on order or grouping, and is that of a treatment with itself', () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(strictest(a, b)).toEqual(strictest(b, a));
        expect(strictest(strictest(a, b), c)).toEqual(strictest(a, strictest(b, c)));
        expect(strictest(a, a)).toEqual(a);
        expect(strictest(a, drop)).toEqual(drop);
        expect(strictest(a, keep)).toEqual(a);
      }),
    );
  });

  it('drops what two auditors, or an auditor and nobody, should have', () => {
    const [one, other] = recipients.map(encrypt) as [Treatment, Treatment];
    expect(strictest(one, other)).toEqual(drop);
    expect(strictest(one, redact)).toEqual(drop);
    expect(strictest(one, { kind: 'encrypt', recipient: recipientOfBase64(x25519) })).toEqual(one);
  });
});
