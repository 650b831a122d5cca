import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { hex, sha256 } from '../../src/call/sha256.ts';
import type { AuditReport } from '../../src/evidence/audit-report.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { loadCompromised } from '../../src/verify/last-trusted.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { testTrustSystem } from '../support/trust-system.ts';
import { audit, fillTo, MadeLog } from './made-log.ts';

const system = await testTrustSystem();
const trust = await loadTrust(system.trustedRootBytes);
const spkis = {
  ca: parseCertificate(system.keys.issuing.certificate).spki,
  log: system.logSigner.publicKey,
};

/** `size` entries were logged before the theft, and the rest, it may be, by the thief. */
const size = 5;
let log: MadeLog;
let rootHash: string;

beforeAll(async () => {
  log = new MadeLog(system);
  await log.open();
  await fillTo(log, 8);
  rootHash = hex(log.rootAt(size));
});

function audited(
  purpose: 'ca' | 'log',
  head: { treeSize?: number; rootHash?: string } = {},
  audited = log,
): Promise<AuditReport> {
  const lastTrusted = { origin: system.origin, treeSize: size, rootHash, ...head };
  const key = { purpose, sha256: hex(sha256(spkis[purpose])), lastTrusted };
  const declaration = utf8(JSON.stringify({ version: 1, keys: [key] }));
  return audit(audited, system, { compromised: loadCompromised(declaration, trust) });
}

const indexesOf = ({ faults }: AuditReport): readonly (number | undefined)[] =>
  faults.listed.filter(({ code }) => code === 'KEY_COMPROMISED').map(({ index }) => index);

describe('a log with a compromised key', () => {
  it.each(['ca', 'log'] as const)('of purpose %s is good up to the last trusted head', async (purpose) => {
    const report = await audited(purpose);
    expect(indexesOf(report)).toEqual([5, 6, 7]);
    expect(report.entries).toMatchObject({ replayed: 8, verified: size });
    expect(report.faults.counts).toEqual({ KEY_COMPROMISED: 3 });
    expect(report.compromised).toMatch(/^[0-9a-f]{64}$/);
  });

  it('has no fault when it ends there', async () => {
    const short = new MadeLog(system);
    short.entries.push(...log.entries.slice(0, size));
    expect(await audited('log', {}, short)).toMatchObject({ ok: true });
  });

  it.each(['ca', 'log'] as const)('of purpose %s that never had that tree is a fork', async (purpose) => {
    const report = await audited(purpose, { rootHash: '11'.repeat(32) });
    expect(report.faults.counts).toMatchObject({ LOG_FORKED: 1 });
  });

  it('that is shorter than the last trusted head is a fork: the thief signs smaller trees, too', async () => {
    const report = await audited('log', { treeSize: 9 });
    expect(report.faults.counts).toMatchObject({ LOG_FORKED: 1 });
  });

  it('is audited whole: what an earlier audit saw may be what the thief wrote', async () => {
    const since = utf8(log.checkpoint(3));
    const declaration = {
      version: 1,
      keys: [
        {
          purpose: 'ca',
          sha256: hex(sha256(spkis.ca)),
          lastTrusted: { origin: system.origin, treeSize: size, rootHash },
        },
      ],
    };
    const compromised = loadCompromised(utf8(JSON.stringify(declaration)), trust);
    await expect(audit(log, system, { since, compromised })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
