import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTlogProof } from '../../src/tlog/tlog-proof.ts';
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import { readTiledLog } from '../evidence/independent-reader.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startWire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;
const policy = `version: 1
name: test
rules:
  - { id: perform, effect: allow, tools: ["effects/perform"] }
`;

let home: TestHome;
let log: string;
const at = (...path: string[]): string => join(home.work, ...path);
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');

/** A gate's whole life: `calls` calls that are allowed, and one that is denied. */
async function live(calls: number): Promise<void> {
  const command = [countersign, 'wrap', '--name', 'effects', '--', process.execPath, effectsServer];
  const wire = startWire(process.execPath, [...command, at('effects.txt')], home.env);
  for (let i = 0; i < calls; i++) {
    await wire.request('tools/call', { name: 'perform', arguments: { word: `word ${i}` } });
  }
  await wire.request('tools/call', { name: 'destroy', arguments: {} });
  await wire.end();
}

interface Report {
  readonly ok: boolean;
  readonly log: { readonly size: number };
  readonly entries: {
    readonly kinds: Record<string, number>;
    readonly verified: number;
    readonly replayed: number;
  };
  readonly trust: { readonly source: string };
  readonly sessions: { readonly open: readonly object[] };
  readonly openCalls: readonly object[];
  readonly since?: { readonly continued: boolean; readonly size: number; readonly earlierFaults?: number };
  readonly faults: { readonly counts: Record<string, number> };
}

async function audit(...args: string[]): Promise<{ code: number; report: Report; stderr: string }> {
  const { code, stdout, stderr } = await home.here('audit', '--json', ...args);
  return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as Report };
}

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.home, 'policy.yaml'), policy);
  log = at('log');
  await live(3);
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a log that was lived, exported and audited', () => {
  it('has no faults, and the auditor needs nothing but the export and the trust root', async () => {
    const done = await home.cli('log', 'export', log);
    expect(done).toMatchObject({ code: 0, stdout: '' });
    const { code, report, stderr } = await audit('--trust', home.trustFile, log);
    expect({ code, stderr, counts: report.faults.counts }).toEqual({ code: 0, stderr: '', counts: {} });
    expect(report.entries.kinds).toMatchObject({
      logOpen: 1,
      allow: 3,
      outcome: 3,
      deny: 1,
      sessionClose: 1,
    });
    expect(report.entries.verified).toBe(report.log.size);
    const text = await home.here('audit', '--trust', home.trustFile, log);
    expect(text.stdout).toContain('no faults');
    expect(text.stdout).not.toContain('\u001b');
  });

  it('is read by a reader that knows only the specification', () => {
    const root = JSON.parse(readFileSync(join(log, 'trusted_root.json'), 'utf8')) as {
      tlogs: [{ baseUrl: string; publicKey: { rawBytes: string } }];
    };
    const [{ baseUrl, publicKey }] = root.tlogs;
    const key = { name: new URL(baseUrl).host, publicKey: bytes(publicKey.rawBytes).subarray(-32) };
    const leaves: Buffer[] = [];
    const { size } = readTiledLog(log, key, (entry) => leaves.push(entry));
    expect(leaves).toHaveLength(size);
    expect(JSON.parse(leaves[1]?.toString() ?? '')).toMatchObject({ kind: 'hashedrekord' });
  });

  it('warns where the trust root came with the log', async () => {
    const { code, report, stderr } = await audit(log);
    expect({ code, source: report.trust.source }).toEqual({ code: 0, source: 'exported' });
    expect(stderr).toContain('warning: the trust root came with the log');
  });

  it('grows with the next export, and continues the checkpoint that an auditor kept', async () => {
    cpSync(join(log, 'checkpoint'), at('kept'));
    const before = parseCheckpoint(readFileSync(at('kept'), 'utf8'))?.size ?? 0;
    await live(2);
    expect((await home.here('log', 'export', log)).code).toBe(0);
    expect((await home.here('log', 'export', log)).stderr).toContain('Nothing is new');
    const { code, report } = await audit('--trust', home.trustFile, '--since', at('kept'), log);
    expect({ code, since: report.since }).toMatchObject({ code: 0, since: { continued: true } });
    expect(report.log.size).toBeGreaterThan(before);
  });

  it('is audited in steps by an auditor who keeps a state', async () => {
    const options = ['--trust', home.trustFile, '--state', at('state.json')];
    const first = await audit(...options, log);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    await live(2);
    await home.here('log', 'export', log);
    const second = await audit(...options, log);
    expect({ code: second.code, since: second.report.since }).toMatchObject({
      code: 0,
      since: { size: first.report.log.size, continued: true, earlierFaults: 0 },
    });
    expect(second.report.entries.replayed).toBe(second.report.log.size - first.report.log.size);
    const blind = await home.here('audit', '--trust', home.trustFile, '--since', at('kept'), log);
    expect(blind.stdout).toContain('no faults in what could be judged');
  });

  it('has every entry that a caller can show, and cannot lose its end unseen', async () => {
    const { stdout } = await home.here('log', 'tail', '--json', '-n', '4');
    const { callId } = JSON.parse(stdout.split('\n').find((line) => line.includes('"allow"')) ?? '') as {
      callId: string;
    };
    writeFileSync(at('shown.json'), (await home.here('log', 'show', callId, '--json')).stdout);
    const seen = ['--trust', home.trustFile, '--seen', at('shown.json'), '--seen', at('kept')];
    expect((await audit(...seen, log)).code).toBe(0);
    const cut = at('cut');
    cpSync(log, cut, { recursive: true });
    cpSync(at('kept'), join(cut, 'checkpoint'));
    const { code, report } = await audit(...seen, cut);
    expect({ code, faults: Object.keys(report.faults.counts) }).toEqual({ code: 1, faults: ['LOG_SHORTER'] });
  });

  it('notes what a killed gate left open, and no more once the next one has settled it', async () => {
    const command = [countersign, 'wrap', '--name', 'effects', '--', process.execPath, effectsServer];
    const wire = startWire(process.execPath, [...command, at('effects.txt')], home.env);
    await wire.request('tools/call', { name: 'perform', arguments: { word: 'last' } });
    const ended = new Promise((resolve) => wire.child.once('close', resolve));
    wire.child.kill('SIGKILL');
    await ended;
    await home.here('log', 'export', log);
    const killed = await audit('--trust', home.trustFile, log);
    expect(killed).toMatchObject({ code: 0, report: { sessions: { open: [{ statements: 3 }] } } });
    await live(1);
    await home.here('log', 'export', log);
    const settled = await audit('--trust', home.trustFile, log);
    expect(settled).toMatchObject({ code: 0, report: { sessions: { open: [] }, openCalls: [] } });
  });

  it('with one bit of a statement changed has faults', async () => {
    const forged = at('forged');
    cpSync(log, forged, { recursive: true });
    const size = parseCheckpoint(readFileSync(join(log, 'checkpoint'), 'utf8'))?.size ?? 0;
    const file = join(forged, `tile/statements/000.p/${size}`);
    const statements = readFileSync(file);
    statements[100] = (statements[100] ?? 0) ^ 1;
    writeFileSync(file, statements);
    const { code, report } = await audit('--trust', home.trustFile, forged);
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false });
    expect(report.faults.counts).toMatchObject({ LEAF_MISMATCH: 1, SIGNATURE_INVALID: 1 });
    const text = await home.cli('audit', '--trust', home.trustFile, forged);
    expect(text.stdout).toMatch(/LEAF_MISMATCH entry 0/);
  });

  it('is not audited where there is none, or with what is no trust root or checkpoint: misuse', async () => {
    for (const args of [
      [],
      [at('nowhere')],
      ['--trust', home.trustFile, at('nowhere')],
      ['--trust', at('nowhere'), log],
      ['--trust', at('kept'), log],
      ['--trust', home.trustFile, '--since', home.trustFile, log],
      ['--frobnicate', log],
    ]) {
      const { code, stderr } = await audit(...args);
      expect({ args, code }).toEqual({ args, code: 2 });
      expect(stderr).toMatch(/^countersign: [A-Z_]+: /);
    }
  });

  it('is not exported over another home’s', async () => {
    await using other = await testHome();
    const { code, stderr } = await other.here('log', 'export', log);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('EXPORT_FOREIGN') });
    expect((await audit('--trust', home.trustFile, log)).code).toBe(0);
    expect(existsSync(join(other.work, 'log'))).toBe(false);
  });
});

describe('proofs for tools that know only the log', () => {
  const callOf = async (): Promise<string> => {
    const { stdout } = await home.here('log', 'tail', '--json', '-n', '100');
    const entries = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; callId: string });
    return entries.find(({ kind }) => kind === 'allow')?.callId ?? '';
  };

  it('prove verdict and outcome of a call, as a tlog-proof and as JSON', async () => {
    const callId = await callOf();
    for (const which of [[], ['--outcome']]) {
      const proof = parseTlogProof((await home.here('log', 'prove', callId, ...which)).stdout);
      const json = JSON.parse(
        (await home.here('log', 'prove', callId, '--format', 'json', ...which)).stdout,
      ) as {
        kind: string;
        logIndex: number;
        leaf: string;
        checkpoint: string;
        hashes: string[];
      };
      expect(json.kind).toBe(which.length > 0 ? 'outcome' : 'allow');
      expect(proof?.index).toBe(json.logIndex);
      const { size, root } = parseCheckpoint(proof?.checkpoint ?? '')!;
      for (const hashes of [proof?.hashes ?? [], json.hashes.map(bytes)]) {
        const claim = { index: json.logIndex, size, root, hashes, leafHash: leafHash(bytes(json.leaf)) };
        expect(verifyInclusion(claim)).toBe(true);
      }
    }
  });

  it('prove that one tree begins with another, by size and by checkpoint', async () => {
    const old = parseCheckpoint(readFileSync(at('kept'), 'utf8'))!;
    const now = parseCheckpoint(readFileSync(join(log, 'checkpoint'), 'utf8'))!;
    for (const [from, to] of [
      [at('kept'), join(log, 'checkpoint')],
      [String(old.size), String(now.size)],
      [at('kept'), String(now.size)],
    ] as const) {
      const { code, stdout } = await home.here('log', 'consistency', from, to);
      expect(code).toBe(0);
      const proof = JSON.parse(stdout) as { oldSize: number; newSize: number; hashes: string[] };
      const hashes = proof.hashes.map(bytes);
      const { oldSize, newSize } = proof;
      expect(verifyConsistency({ oldSize, newSize, oldRoot: old.root, newRoot: now.root, hashes })).toBe(
        true,
      );
    }
  });

  it('are refused for what the log does not have', async () => {
    const callId = crypto.randomUUID();
    expect((await home.here('log', 'prove', callId)).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'prove', callId, '--format', 'yaml')).code).toBe(2);
    expect((await home.here('log', 'consistency', '1', '100000')).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'consistency', '0', '1')).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'consistency', home.trustFile, '1')).stderr).toContain('CONFIG_INVALID');
    expect((await home.here('log', 'consistency', at('nowhere'), '1')).code).toBe(2);
  });
});
