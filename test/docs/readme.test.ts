import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../architecture/source.ts';
import { compileCache, countersign, countersignHere, filesystemServer } from '../support/home.ts';
import { blocks, firstCells, page, section } from './pages.ts';

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly scripts: Record<string, string>;
  readonly devDependencies: Record<string, string>;
};

describe('the demo', () => {
  it('shows what the README says, on the Node.js that npm ci brings', () => {
    expect(packageJson.devDependencies['node']).toMatch(/^24\./);
    const [command, script] = packageJson.scripts['demo']?.split(' ') ?? [];
    expect(command).toBe('node');
    const { status, stdout } = spawnSync(process.execPath, [join(repository, script ?? '')], {
      encoding: 'utf8',
      env: { ...process.env, ...compileCache },
    });
    expect(status).toBe(0);
    const shown = [
      'DENY   files/read_text_file',
      'Accepted 10 of 14',
      'ALLOW  files/read_text_file',
      'DENY   files/write_file',
      'verified by both: https://countersign.dev/outcome/v1',
      'refused: UNBOUND',
    ];
    const places = shown.map((text) => stdout.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });
});

const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

describe.skipIf(!has('bash'))('the first hour of the README', () => {
  const work = mkdtempSync(join(tmpdir(), 'countersign-readme-'));
  const home = join(work, '.countersign');
  const bin = join(work, 'bin');
  const environment = {
    ...compileCache,
    PATH: [bin, dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: work,
    TMPDIR: work,
    SAID: join(work, 'said'),
    FAILED: join(work, 'failed'),
  };
  let said = '';
  let failed = '';
  /** The folder in which the README's results lie. */
  let folder = '';

  const shell = (script: string) =>
    spawnSync('bash', ['-c', script], { cwd: folder || work, env: environment, encoding: 'utf8' });
  const passing = (script: string): string => {
    const { status, stdout, stderr } = shell(`set -euo pipefail\n${script}`);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    return stdout + stderr;
  };

  beforeAll(() => {
    prepareBin(bin);
    const [install, ...steps] = blocks(section(page('README.md'), 'First hour'), 'sh');
    expect(install).toMatch(/^npm link/);
    const script = `exec 3>&1 > "$SAID"
      touch "$FAILED"
      trap 'echo "$? $LINENO" >> "$FAILED"' ERR
      ${steps.join('').replace('cs_live_…', `"$(grep -o 'cs_live_[0-9A-Za-z]*' "$SAID")"`)}
      pwd >&3`;
    const { status, stdout, stderr } = shell(script);
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    said = readFileSync(environment.SAID, 'utf8');
    failed = readFileSync(environment.FAILED, 'utf8').replace(
      / (\d+)$/gm,
      (_, line: string) => ` ${script.split('\n')[Number(line) - 1]?.replace(/ +#.*/, '') ?? ''}`,
    );
    folder = stdout.trim();
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it('runs, and fails where it says so and nowhere else', () => {
    // 5 is the Inspector's word for a result that is an error.
    expect(failed.trim().split('\n')).toEqual([
      '5 mcp tools/call --tool-name read_text_file --tool-arg path=hello.txt',
      '5 mcp tools/call --tool-name write_file --tool-arg path=new.txt content=x > write.json',
      "1 sed 's/Hello/Hullo/' read.json | countersign verify --trust trusted_root.json -",
    ]);
  });

  it('shows what it promises, in that order', () => {
    const shown = [
      'cs_live_',
      '"name": "read_text_file"',
      '"code": "NO_RULE_ALLOWS"',
      'read_text_file  listed',
      'Read the complete contents of a file from the file system as text',
      '"properties":{"path"',
      'Accepted 10 of 14',
      'DENY ',
      'tools-accepted files',
      'ALLOW ',
      'executed',
      'DENY ',
      'mode       same-user',
      'verified: 1   assurance: self',
      'verified: 1   assurance: self',
      'UNBOUND',
    ];
    let at = 0;
    for (const text of shown) {
      expect(said.slice(at)).toContain(text);
      at = said.indexOf(text, at) + text.length;
    }
    expect(readFileSync(join(folder, 'read.json'), 'utf8')).toContain('Hello.');
    expect(existsSync(join(folder, 'new.txt'))).toBe(false);
  });

  it('gets the denied result that the README shows', () => {
    const [shown = ''] = blocks(section(page('README.md'), 'A denied call'), 'json');
    const denied = JSON.parse(readFileSync(join(folder, 'write.json'), 'utf8')) as {
      _meta: Record<string, Record<string, object>>;
    };
    const envelope = denied._meta['dev.countersign/envelope'] ?? {};
    for (const key of Object.keys(envelope)) envelope[key] = {};
    expect(denied).toEqual(JSON.parse(shown.replaceAll('{…}', '{}')));
  });

  it('ends with results that the README’s programs verify, each as far as it says', () => {
    const [withSigstore = '', withUs = ''] = blocks(
      section(page('README.md'), 'Verify somewhere else'),
      'js',
    );
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(join(repository, 'node_modules/@sigstore'), join(modules, '@sigstore'));
    symlinkSync(repository, join(modules, 'countersign'));
    const result = readFileSync(join(folder, 'read.json'), 'utf8');
    const otherResult = result.replace('Hello', 'Hullo');
    const otherStatement = result.replace(/"payload": "../, '"payload": "ez');
    /** What the program says of each result, in the place where it looks for one. */
    const run = (name: string, program: string): string[] => {
      writeFileSync(join(folder, `${name}.mjs`), program);
      writeFileSync(join(folder, 'results.json'), JSON.stringify([result, otherResult, otherStatement]));
      const script = `const { readFileSync, writeFileSync } = await import('node:fs');
        for (const [at, result] of JSON.parse(readFileSync('results.json', 'utf8')).entries()) {
          console.log('RESULT');
          writeFileSync('read.json', result);
          await import('./${name}.mjs?' + at).catch(() => console.log('false'));
        }`;
      const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        encoding: 'utf8',
      });
      writeFileSync(join(folder, 'read.json'), result);
      expect(status).toBe(0);
      const said = stdout.split('RESULT\n').slice(1);
      return said.map((text) => (text.startsWith('false') ? `refused ${text.slice(5).trim()}` : 'accepted'));
    };
    expect(run('with-us', withUs)).toEqual([
      'accepted',
      expect.stringContaining('UNBOUND'),
      expect.stringContaining('SIGNATURE_INVALID'),
    ]);
    expect(run('with-sigstore', withSigstore)).toEqual(['accepted', 'accepted', 'refused ']);
  });

  describe.skipIf(!has('curl'))('over HTTP', () => {
    const chapter = section(page('README.md'), 'Over HTTP');
    const programs = blocks(chapter, 'js');
    const results = ['inspector.json', 'curl.json', 'program-0.json', 'program-1.json'];

    beforeAll(async () => {
      const port = await freePort();
      const here = (text: string): string => text.replaceAll('127.0.0.1:8787', `127.0.0.1:${port}`);
      for (const [at, program] of programs.entries())
        writeFileSync(join(folder, `program-${at}.mjs`), here(program));
      symlinkSync(
        join(repository, 'node_modules/@modelcontextprotocol'),
        join(folder, 'node_modules/@modelcontextprotocol'),
      );
      const serve = `listen: { port: ${port} }\nservers:`;
      const script = [
        `export COUNTERSIGN_API_KEY=$(grep -o 'cs_live_[0-9A-Za-z]*' "$SAID")`,
        'trap "kill %1 && wait" EXIT',
        here(blocks(chapter, 'sh').join('')).replace('servers:', serve),
        ...programs.map((_, at) => `node program-${at}.mjs > program-${at}.json`),
      ];
      passing(script.join('\n'));
    }, 120_000);

    it.each(results)('leaves a result that verifies: %s', async (file) => {
      expect(readFileSync(join(folder, file), 'utf8')).toContain('Hello.');
      const args = ['verify', '--trust', 'trusted_root.json', '--expect', 'executed', file];
      const { code, stdout } = await countersignHere({ env: environment, args, cwd: folder });
      expect([code, stdout]).toEqual([0, expect.stringContaining('verified: 1')]);
    });
  });

  const log = page('docs/log.md');
  const verifying = page('docs/verifying.md');
  const callId = (): string => / ALLOW .*?  ([0-9a-f-]{36})$/m.exec(said)?.[1] ?? '';

  it.skipIf(!has('jq'))('leaves a log whose calls verify as docs/log.md says', () => {
    const commands = blocks(log, 'sh').filter((block) => block.includes('log show'));
    const output = passing(commands.join('').replaceAll('CALL_ID', callId()));
    expect(output.match(/ALLOW {2}files\/read_text_file {2}executed/g)).toHaveLength(2);
    expect(output).toContain('subject    opened');
  });

  it.skipIf(!has('jq') || !has('openssl'))(
    'gives envelopes that openssl verifies as docs/verifying.md says',
    () => {
      cpSync(join(folder, 'read.json'), join(folder, 'result.json'));
      const commands = blocks(section(verifying, 'With stock tools'), 'sh').filter(
        (block) => !block.includes('cosign'),
      );
      expect(passing(commands.join(''))).toContain('Verified OK');
    },
  );

  it.skipIf(!has('jq') || !has('cosign'))(
    'gives envelopes that cosign verifies, and no DENY for an ALLOW',
    () => {
      cpSync(join(folder, 'read.json'), join(folder, 'result.json'));
      const [ofReadme = ''] = blocks(section(page('README.md'), 'Verify somewhere else'), 'sh');
      const ofPage = blocks(section(verifying, 'With stock tools'), 'sh').slice(0, 2).join('');
      const action = `countersign log show ${callId()} --action > action.json\n`;
      expect(passing(ofReadme)).toContain('Verified OK');
      expect(passing(action + ofPage)).toContain('Verified OK');
      expect(shell(ofReadme.replace('allow/v1', 'deny/v1')).status).not.toBe(0);
    },
  );

  it('leaves a home of the files that docs/log.md lists, private', () => {
    const listed = firstCells(section(log, 'Files of a home')).map((cell) => /^`(.*?)\/?`/.exec(cell)?.[1]);
    expect(listed.filter((name) => name !== undefined).toSorted()).toEqual(readdirSync(home).toSorted());
    expect(statSync(home).mode & 0o077).toBe(0);
    for (const file of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
      expect([file, statSync(join(home, file)).mode & 0o077]).toEqual([file, 0]);
    }
  });

  it('leaves a log of the kinds of entries that docs/log.md lists', () => {
    const { stdout } = shell('countersign log tail -n 1000');
    const seen = stdout.split('\n').flatMap((line) => /^ *\d+ {2}\S+ {2}(\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(seen)).toContain('session-close');
    const listed = firstCells(section(log, 'Reading it')).join(' ');
    expect(seen.filter((kind) => !listed.includes(`\`${kind}\``))).toEqual([]);
  });

  it('leaves a home that may be moved, and not copied', () => {
    const [moved, copied] = [join(work, 'moved'), join(work, 'copied')];
    renameSync(home, moved);
    expect(shell(`countersign log tail --home ${moved}`).status).toBe(0);
    expect(shell(`cp -Rp ${moved} ${copied}`).status).toBe(0);
    expect(shell(`countersign log tail --home ${copied}`).stderr).toContain('LEDGER_COPIED');
    renameSync(moved, home);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** `countersign` as it was built, and an npx that takes what is installed: the tests ask no registry. */
function prepareBin(bin: string): void {
  const { resolve } = createRequire(import.meta.url);
  const inspector = resolve('@modelcontextprotocol/inspector/package.json');
  const { bin: scripts } = JSON.parse(readFileSync(inspector, 'utf8')) as { bin: Record<string, string> };
  const inspectorScript = join(dirname(inspector), scripts['mcp-inspector'] ?? '');
  const node = process.execPath;
  mkdirSync(bin);
  const write = (name: string, script: string): void =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}`, { mode: 0o755 });
  symlinkSync(node, join(bin, 'node'));
  write('countersign', `exec "${node}" "${countersign}" "$@"\n`);
  write(
    'npx',
    `shift; package=$1; shift
case "$package" in
  @modelcontextprotocol/inspector) exec "${node}" "${inspectorScript}" "$@" ;;
  @modelcontextprotocol/server-filesystem) exec "${node}" "${filesystemServer}" "$@" ;;
esac
exit 1
`,
  );
}
