import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startWire, type Wire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;
const policy = `version: 1
name: test
rules:
  - { id: perform, effect: allow, tools: ["effects/perform"] }
`;

let home: TestHome;
let early: string;
let late: string;
let head: { origin: string; treeSize: number; rootHash: string };
let restored: { origin: string; former: typeof head; lost: { treeSize: number }; openCalls: string[] };
const at = (...path: string[]): string => join(home.work, ...path);

const gate = (): Wire =>
  startWire(
    process.execPath,
    [countersign, 'wrap', '--name', 'effects', '--', process.execPath, effectsServer, at('effects.txt')],
    home.env,
  );

/** One call of a gate of its own; its answer goes into a file. */
async function liveOneCall(word: string, file: string): Promise<string> {
  const wire = gate();
  const { result } = await wire.request('tools/call', { name: 'perform', arguments: { word } });
  expect((await wire.end()).code).toBe(0);
  writeFileSync(at(file), JSON.stringify(result));
  const { stdout } = await home.here('log', 'tail', '--json', '-n', '3');
  const [line = ''] = stdout.split('\n').filter((one) => one.includes('"kind":"allow"'));
  return (JSON.parse(line) as { callId: string }).callId;
}

const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await home.here(...args)).stdout) as T;
const verify = (...args: string[]) => home.here('verify', '--trust', at('new_root.json'), '--json', ...args);
const audit = (...args: string[]) => home.here('audit', '--trust', at('new_root.json'), '--json', ...args);

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.home, 'policy.yaml'), policy);
  early = await liveOneCall('early', 'early.json');
  await home.here('tools', 'accept', 'effects', '--yes');
  head = await json('log', 'backup', at('backup.sqlite'), '--json');
  late = await liveOneCall('late', 'late.json');
});
afterAll(() => home[Symbol.asyncDispose]());

describe('a home that goes on from a backup', () => {
  it('is not restored under a running gate', async () => {
    const wire = gate();
    await wire.request('tools/list', {});
    const refused = await home.here('log', 'restore', at('backup.sqlite'));
    expect({ code: refused.code, stderr: refused.stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HOME_IN_USE') as string,
    });
    await wire.end();
  });

  it('says what has ended, what is missing, and what goes on', async () => {
    restored = JSON.parse(
      (await home.cli('log', 'restore', at('backup.sqlite'), '--json')).stdout,
    ) as typeof restored;
    expect(restored).toMatchObject({
      former: { treeSize: head.treeSize, rootHash: head.rootHash },
      openCalls: [],
    });
    expect(restored.lost.treeSize).toBeGreaterThan(head.treeSize);
    writeFileSync(at('new_root.json'), (await home.here('trust')).stdout);
    const { stdout } = await home.here('log', 'former');
    expect(stdout).toBe(`${head.origin}  ${head.treeSize} entries, root ${head.rootHash}\n`);
  });

  it('remembers what was accepted, and governs calls as before', async () => {
    const [server] = await json<{ tools: { state: string }[] }[]>('tools', 'list', '--json');
    expect(server?.tools.map(({ state }) => state)).toEqual(['accepted']);
    await liveOneCall('new', 'new.json');
    expect(readFileSync(at('effects.txt'), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('leaves every envelope as it was, also of calls that the restored log lacks', async () => {
    for (const file of ['early.json', 'late.json', 'new.json']) {
      expect({ file, code: (await verify('--expect', 'executed', at(file))).code }).toEqual({
        file,
        code: 0,
      });
    }
  });

  it('has two logs that an auditor finds no fault with', async () => {
    await home.here('log', 'export', at('new-log'));
    await home.here('log', 'export', '--former', head.origin, at('old-log'));
    for (const folder of ['new-log', 'old-log']) {
      const { code, stdout } = await audit(at(folder));
      expect({ folder, code, stdout: code === 0 ? '' : stdout }).toEqual({ folder, code: 0, stdout: '' });
    }
  });

  it('reads the log that has ended', async () => {
    const former = ['--former', head.origin];
    expect((await home.here('log', 'tail', ...former, '-n', '1000')).stdout.split('\n')).toHaveLength(
      head.treeSize + 1,
    );
    const shown = await home.here('log', 'show', early, '--json', ...former);
    writeFileSync(at('shown.json'), shown.stdout);
    expect((await verify('--expect', 'executed', at('shown.json'))).code).toBe(0);
    expect((await home.here('log', 'prove', early, ...former)).stdout).toContain('c2sp.org/tlog-proof');
    expect((await home.here('disclose', early, '--field', '/args/word', ...former)).stdout).toContain(
      '"early"',
    );
    expect((await home.here('log', 'show', late, ...former)).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'tail', '--former', 'log.example')).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'show', early, '--witnessed', ...former)).code).toBe(2);
  });

  it('erases plaintext of it, says so in the present log, and names what it does not reach', async () => {
    const erased = await home.here('erase', early, '--former', head.origin, '--yes');
    expect(erased).toMatchObject({ code: 0, stdout: 'Erased 1 call.\n' });
    expect(erased.stderr).toContain('set-aside.sqlite');
    const disclosed = await home.here('disclose', early, '--field', '/args/word', '--former', head.origin);
    expect(disclosed.stderr).toContain('PLAINTEXT_MISSING');
    expect((await home.here('log', 'tail', '-n', '1')).stdout).toContain('erased');
  });

  it('refuses misuse', async () => {
    for (const args of [
      ['restore'],
      ['restore', 'a', '--in-place'],
      ['restore', 'a', 'b'],
      ['backup'],
      ['former', 'x'],
    ]) {
      expect({ args, code: (await home.here('log', ...args)).code }).toEqual({ args, code: 2 });
    }
    expect((await home.here('log', 'restore', at('nowhere'))).stderr).toContain('CONFIG_INVALID');
    expect(existsSync(join(home.home, 'log.next.new'))).toBe(false);
  });
});

describe('keys that somebody else may hold', () => {
  interface Root {
    tlogs: { baseUrl: string; publicKey: { rawBytes: string } }[];
    certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
  }
  const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
  const declare = (file: string, purpose: string, sha256: string, checkpoint: string): string => {
    const { origin, size, root } = parseCheckpoint(checkpoint)!;
    const lastTrusted = { origin, treeSize: size, rootHash: Buffer.from(root).toString('hex') };
    writeFileSync(at(file), JSON.stringify({ version: 1, keys: [{ purpose, sha256, lastTrusted }] }));
    return at(file);
  };
  let logDeclaration: string;
  let caDeclaration: string;
  let before: string;
  let after: string;

  beforeAll(async () => {
    before = await liveOneCall('before', 'before.json');
    await home.here('log', 'export', at('kept'));
    const checkpoint = readFileSync(at('kept', 'checkpoint'), 'utf8');
    after = await liveOneCall('after', 'after.json');
    const root = JSON.parse(readFileSync(at('new_root.json'), 'utf8')) as Root;
    const log = root.tlogs.find(({ baseUrl }) => baseUrl === `https://${restored.origin}`);
    const logKey = Buffer.from(log?.publicKey.rawBytes ?? '', 'base64');
    logDeclaration = declare('log-declared.json', 'log', digest(logKey), checkpoint);
    const [issuing] = root.certificateAuthorities[0]?.certChain.certificates ?? [];
    const certificate = new X509Certificate(Buffer.from(issuing?.rawBytes ?? '', 'base64'));
    const caKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
    caDeclaration = declare('ca-declared.json', 'ca', digest(caKey), checkpoint);
  });

  const codes = (stdout: string): string[] =>
    (JSON.parse(stdout) as { calls: { failures: { code: string }[] }[] }).calls.flatMap(({ failures }) =>
      failures.map(({ code }) => code),
    );

  it('count up to the last trusted head', async () => {
    expect((await verify('--compromised', caDeclaration, at('before.json'))).code).toBe(0);
    const refused = await verify('--compromised', caDeclaration, at('after.json'));
    expect({ code: refused.code, codes: codes(refused.stdout) }).toMatchObject({ code: 1 });
    expect(new Set(codes(refused.stdout))).toEqual(new Set(['KEY_COMPROMISED']));
    const text = await home.here(
      'verify',
      '--trust',
      at('new_root.json'),
      '--compromised',
      caDeclaration,
      at('before.json'),
    );
    expect(text.stdout).toContain('compromised keys as declared in sha256:');
  });

  it('of the log need a proof against that very head, which its operator can make', async () => {
    const refused = await verify('--compromised', logDeclaration, at('before.json'));
    expect(new Set(codes(refused.stdout))).toEqual(new Set(['KEY_COMPROMISED']));
    const checkpoint = ['--checkpoint', at('kept', 'checkpoint')];
    writeFileSync(at('anew.json'), (await home.here('log', 'show', before, '--json', ...checkpoint)).stdout);
    expect(
      (await verify('--compromised', logDeclaration, '--expect', 'executed', at('anew.json'))).code,
    ).toBe(0);
    const proof = await home.here('log', 'prove', before, ...checkpoint);
    expect(proof.stdout).toContain(readFileSync(at('kept', 'checkpoint'), 'utf8').split('\n')[2]);
    expect((await home.here('log', 'show', after, ...checkpoint)).stderr).toContain('NOT_FOUND');
    expect((await home.here('log', 'show', before, '--checkpoint', at('new_root.json'))).stderr).toContain(
      'CONFIG_INVALID',
    );
  });

  it('make of a log what stands under that head', async () => {
    await home.here('log', 'export', at('whole'));
    for (const declaration of [logDeclaration, caDeclaration]) {
      const { code, stdout } = await audit('--compromised', declaration, at('whole'));
      const report = JSON.parse(stdout) as { faults: { counts: object }; entries: { verified: number } };
      expect({ code, faults: Object.keys(report.faults.counts) }).toEqual({
        code: 1,
        faults: ['KEY_COMPROMISED'],
      });
      expect((await audit('--compromised', declaration, at('kept'))).code).toBe(0);
    }
    expect((await audit('--compromised', at('new_root.json'), at('whole'))).code).toBe(2);
    expect((await verify('--compromised', at('nowhere'), at('before.json'))).code).toBe(2);
  });
});
