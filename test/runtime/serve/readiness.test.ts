import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { readiness, type ReadinessOptions } from '../../../src/runtime/serve/readiness.ts';
import { harness } from '../../gate/harness.ts';

const { parts } = await harness();
const whole = { ledger: 'ok', keys: 'ok', instance: 'ok' };
const fails = (code: 'LEDGER_UNAVAILABLE' | 'CERTIFICATE_NOT_VALID' | 'GATE_CLOSED') => (): never => {
  throw new CountersignError(code, 'Not now.');
};

const broken: readonly [string, ReadinessOptions['parts'], object][] = [
  [
    'ledger',
    { ...parts, ledger: { ...parts.ledger, checkpoint: fails('LEDGER_UNAVAILABLE') } },
    { ...whole, ledger: 'LEDGER_UNAVAILABLE' },
  ],
  [
    'keys',
    { ...parts, identity: { current: fails('CERTIFICATE_NOT_VALID') } },
    { ...whole, keys: 'CERTIFICATE_NOT_VALID' },
  ],
  ['instance', { ...parts, assertAlive: fails('GATE_CLOSED') }, { ...whole, instance: 'GATE_CLOSED' }],
];

describe('readiness', () => {
  it('tells nothing of files where another configuration is another start', async () => {
    expect(await readiness({ parts })).toEqual({ ready: true, parts: whole });
  });

  it.each(broken)('is not there without a part that every call needs: %s', async (_, these, told) => {
    expect(await readiness({ parts: these })).toEqual({ ready: false, parts: told });
  });

  it.each([
    [undefined, { configuration: 'ok', policy: 'ok' }],
    ['CONFIG_INVALID', { configuration: 'CONFIG_INVALID', policy: 'ok' }],
    ['POLICY_INVALID', { configuration: 'ok', policy: 'POLICY_INVALID' }],
  ] as const)('stays while files cannot be taken, and says which: %s', async (code, told) => {
    const refused = () => code;
    expect(await readiness({ parts, refused })).toEqual({ ready: true, parts: { ...whole, ...told } });
  });

  it('stays while a server is gone, and says which', async () => {
    const states = { files: 'UPSTREAM_GONE', notes: 'ok' } as const;
    const told = await readiness({ parts, upstreams: { states: () => states } });
    expect(told).toEqual({ ready: true, parts: whole, upstreams: states });
    expect(await readiness({ parts, upstreams: { states: () => ({}) } })).not.toHaveProperty('upstreams');
  });
});
