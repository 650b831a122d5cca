import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import { childEnvironment, isWithheld, nextDepth } from '../../src/targets/depth.ts';

describe('the environment of a wrapped server', () => {
  it('is one level deeper at each gateway', () => {
    expect(childEnvironment({ HOME: '/home/a' })).toEqual({ HOME: '/home/a', COUNTERSIGN_DEPTH: '1' });
    expect(childEnvironment({ COUNTERSIGN_DEPTH: '1' })).toEqual({ COUNTERSIGN_DEPTH: '2' });
  });

  it('holds no API key: that is for the gateway alone', () => {
    const withheld = {
      COUNTERSIGN_API_KEY: 'secret',
      COUNTERSIGN_LEDGER: 'postgres://u:secret@h/d',
      COUNTERSIGN_KEY_PASSPHRASE: 'secret',
      COUNTERSIGN_KEY_PASSPHRASE_FILE: '/secret',
      COUNTERSIGN_NEW_KEY_PASSPHRASE: 'secret',
      Countersign_New_Key_Passphrase_File: '/secret',
    };
    expect(childEnvironment(withheld)).toEqual({ COUNTERSIGN_DEPTH: '1' });
    expect(Object.keys(withheld).every(isWithheld)).toBe(true);
    expect(['COUNTERSIGN_HOME', 'PATH', '__proto__'].some(isWithheld)).toBe(false);
  });

  it('ends a wrapper that starts itself', () => {
    let environment: Record<string, string | undefined> = {};
    expect(() => {
      for (let i = 0; i < 10; i++) environment = childEnvironment(environment);
    }).toThrow(CountersignError);
  });

  it.each(['', '-1', 'x', '1e3', ' 1', '9999'])('is refused when the marker is %j', (marker) => {
    expect(() => nextDepth(marker)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
