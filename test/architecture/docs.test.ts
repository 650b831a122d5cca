import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditCodes } from '../../src/evidence/faults.ts';
import { allowCodes, predicateTypes, reasonCodes } from '../../src/names.ts';
import { verifyCodes } from '../../src/verify/codes.ts';
import { repository } from './source.ts';

interface Page {
  readonly path: string;
  readonly text: string;
}

const pages: readonly Page[] = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
  .map((file) => join('docs', file))
  .concat('README.md', 'CONTRIBUTING.md', 'SECURITY.md')
  .filter((path) => path.endsWith('.md') && existsSync(join(repository, path)))
  .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));

const formats = pages.find(({ path }) => path.endsWith('formats.md'))?.text ?? '';

/** Words in capitals that are no reason codes: settings, and the style they are written in. */
const otherCapitals = [
  'COUNTERSIGN_API_KEY',
  'COUNTERSIGN_HUMAN_TOKEN',
  'COUNTERSIGN_HUMAN_TOKEN_FILE',
  'COUNTERSIGN_GRANT',
  'COUNTERSIGN_GRANT_FILE',
  'COUNTERSIGN_GENESIS',
  'COUNTERSIGN_KEYS',
  'COUNTERSIGN_API_KEYS',
  'COUNTERSIGN_HOME',
  'COUNTERSIGN_KEY_PASSPHRASE',
  'COUNTERSIGN_KEY_PASSPHRASE_FILE',
  'COUNTERSIGN_NEW_KEY_PASSPHRASE',
  'COUNTERSIGN_LEDGER',
  'COUNTERSIGN_JOIN_TOKEN',
  'CALL_ID',
  'UPPER_SNAKE',
];

/** The fenced blocks of one language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(
    ([, code]) => code ?? '',
  );
}

describe.each(pages)('$path', ({ path, text }) => {
  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, target]) => target ?? '',
    );
    const dead = links.filter((target) => !existsSync(join(repository, dirname(path), target)));
    expect(dead).toEqual([]);
  });

  it('names files of the repository that exist', () => {
    const named = [...text.matchAll(/`((?:src|test|docs|bench|examples|scripts|policies)\/[\w./-]*)`/g)];
    expect(named.map(([, file]) => file ?? '').filter((file) => !existsSync(join(repository, file)))).toEqual(
      [],
    );
  });

  it('names reason codes that exist', () => {
    const known = new Set<string>([
      ...allowCodes,
      ...reasonCodes,
      ...verifyCodes,
      ...auditCodes,
      ...otherCapitals,
    ]);
    const named = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code]) => code ?? '');
    expect(named.filter((code) => !known.has(code))).toEqual([]);
  });

  it('names predicate types that exist', () => {
    const known = Object.values<string>(predicateTypes);
    const named = text.match(/https:\/\/countersign\.dev\/[\w-]+\/v\d/g) ?? [];
    expect(named.filter((type) => !known.includes(type))).toEqual([]);
  });

  it('shows JSON that parses', () => {
    for (const block of blocks(text, 'json'))
      expect(() => JSON.parse(block.replaceAll('{…}', '{}'))).not.toThrow();
  });
});

describe('the commands of docs/design/formats.md, on an envelope that others made', () => {
  const vectors = join(repository, 'test/vectors/envelope');
  const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;
  const canRun = ['bash', 'jq', 'openssl'].every(has);
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
    copyFileSync(join(vectors, 'bundle02.json'), join(folder, 'e.json'));
    copyFileSync(join(vectors, 'trusted_root.json'), join(folder, 'tr.json'));
    copyFileSync(join(vectors, 'action.json'), join(folder, 'action.json'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('prove inclusion with twenty lines of JavaScript, and notice another leaf', () => {
    const script = blocks(formats, 'js').find((code) => code.includes('inclusionProof')) ?? '';
    writeFileSync(join(folder, 'inclusion.mjs'), script);
    const run = (bundle: string): string =>
      execFileSync(process.execPath, [join(folder, 'inclusion.mjs'), bundle], { encoding: 'utf8' }).trim();
    expect(run(join(folder, 'e.json'))).toBe('included');
    expect(run(join(vectors, 'reject/t_body.json'))).toBe('NOT INCLUDED');
  });

  it.skipIf(!canRun)('verify signature, time, certificate, leaf and checkpoint with openssl and jq', () => {
    const commands = blocks(formats, 'sh').filter((code) => !/countersign|cosign|meta\.json/.test(code));
    const script = ['set -euo pipefail', ...commands].join('\n');
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Verified OK');
    expect(stdout).toContain('leaf.pem: OK');
    expect(stdout).toContain('Signature Verified Successfully');
    expect(stdout + stderr).toContain('Verification: OK');
    const digest = 'cccfbce2c07b760388a480443e817cfb6000e3f8f4466ab2c0955cc937b601e8';
    expect(stdout.split(digest)).toHaveLength(3);
    expect(readFileSync(join(folder, 'pae.bin'))).toEqual(readFileSync(join(vectors, 'pae.bin')));
  });
});
