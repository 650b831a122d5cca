import { describe, expect, it } from 'vitest';
import { statusOf } from '../../../src/gateway/http/answers.ts';
import { reasonCodes } from '../../../src/names.ts';

describe('the status of evidence that does not hold', () => {
  const statusesOf = (pattern: RegExp) =>
    new Set(reasonCodes.filter((code) => pattern.test(code)).map((code) => statusOf(code).status));

  it('asks for a person’s token anew, and says how', () => {
    expect(statusesOf(/^HUMAN_TOKEN_(?!KEYS_)/)).toEqual(new Set([401]));
    expect(statusOf('HUMAN_TOKEN_EXPIRED').headers?.['www-authenticate']).toContain('invalid_token');
  });

  it('is final for a device, a network, and what is missing', () => {
    expect(
      statusesOf(/^DEVICE_TOKEN_(?!KEYS_)|^KEY_NETWORK_|_TENANT_|^(?:HUMAN|DEVICE|NETWORK)_MISSING$/),
    ).toEqual(new Set([403]));
  });

  it('has the caller come back while an issuer’s keys cannot be had', () => {
    expect(statusesOf(/_KEYS_UNAVAILABLE$/)).toEqual(new Set([503]));
  });
});
