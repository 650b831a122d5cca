import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatVkey } from '../../src/tlog/vkey.ts';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { lyingWitness } from '../support/http-witness.ts';
import { startWire, type Wire, type WireAnswer } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;

const policy = `version: 1
name: watched
rules:
  - { id: free, effect: allow, tools: ["*/*"] }
  - id: watched
    effect: allow
    tools: ["*/*"]
    when: args.word != "free"
    obligations: [{ type: witness, count: 1 }]
`;

interface RunningWitness {
  readonly url: string;
  readonly vkey: string;
  stop(): Promise<void>;
}

/** A witness as its operator runs one, following the log of a home. */
async function startWitness(home: TestHome): Promise<RunningWitness> {
  const directory = join(home.work, 'witness');
  if (!existsSync(directory)) {
    const made = await home.cli('witness', 'init', directory, '--name', 'witness.test/e2e');
    expect(made).toMatchObject({ code: 0 });
    const { stdout: logKey } = await home.cli('trust', '--vkey');
    expect(await home.cli('witness', 'log', 'add', directory, logKey.trim())).toMatchObject({ code: 0 });
  }
  const args = [countersign, 'witness', 'serve', directory, '--port', '0'];
  const child = spawn(process.execPath, args, { env: home.env, stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  const [first, vkey] = [await next(), await next()];
  return {
    url: first.replace('Listening on ', ''),
    vkey,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

let home: TestHome;
let witness: RunningWitness;
const effects = (): string => join(home.work, 'effects');
const ran = (): string => (existsSync(effects()) ? readFileSync(effects(), 'utf8') : '');

function configure(...witnesses: readonly { readonly url: string; readonly vkey: string }[]): void {
  const list = witnesses.map(({ url, vkey }) => `  - { url: "${url}", key: "${vkey}" }\n`);
  writeFileSync(join(home.home, 'countersign.yaml'), `witnesses:\n${list.join('')}`);
}

beforeAll(async () => {
  home = await testHome();
  writeFileSync(join(home.home, 'policy.yaml'), policy);
  witness = await startWitness(home);
  configure(witness);
}, 60_000);

afterAll(async () => {
  await witness.stop();
  await home[Symbol.asyncDispose]();
});

function wrap(): Wire {
  const args = [countersign, 'wrap', '--name', 'effects', '--', process.execPath, effectsServer, effects()];
  return startWire(process.execPath, args, home.env, home.work);
}

function perform(wire: Wire, word: string): Promise<WireAnswer> {
  return wire.request('tools/call', { name: 'perform', arguments: { word } });
}

/** The call's id and the answer as a caller would write it down. */
function kept({ result }: WireAnswer): { readonly callId: string; readonly text: string } {
  const { verdict } = result?._meta?.['dev.countersign/envelope'] as {
    verdict: { dsseEnvelope: { payload: string } };
  };
  const statement = Buffer.from(verdict.dsseEnvelope.payload, 'base64').toString();
  const { predicate } = JSON.parse(statement) as { predicate: { callId: string } };
  return { callId: predicate.callId, text: JSON.stringify(result) };
}

async function verify(text: string, ...options: readonly string[]) {
  const { code, stdout } = await home.pipe(
    text,
    'verify',
    '--trust',
    home.trustFile,
    ...options,
    '--json',
    '-',
  );
  const report = JSON.parse(stdout) as {
    assurance: string;
    calls: { failures: { code: string }[]; envelopes: { outcome?: string; reason?: string }[] }[];
  };
  return { code, report, failures: report.calls.flatMap(({ failures }) => failures.map((one) => one.code)) };
}

const demanded = (): readonly string[] => ['--witness', witness.vkey, '--assurance', 'witnessed(1)'];

describe('a rule that demands a witness', { timeout: 60_000 }, () => {
  it('lets the call run, and both envelopes say who saw them', async () => {
    const wire = wrap();
    const answer = await perform(wire, 'seen');
    await wire.end();
    expect(answer.result).toMatchObject({ content: [{ text: 'seen' }] });
    const { text } = kept(answer);
    const seen = await verify(text, ...demanded(), '--expect', 'executed');
    expect(seen).toMatchObject({ code: 0, report: { assurance: 'witnessed(1)' } });
    expect(await verify(text)).toMatchObject({ code: 0, report: { assurance: 'self' } });

    const file = join(home.work, 'witnesses');
    writeFileSync(file, `# whom we trust\n${witness.vkey}\n`);
    const plain = await home.pipe(text, 'verify', '--trust', home.trustFile, '--witness', file, '-');
    expect(plain).toMatchObject({ code: 0 });
    expect(plain.stdout).toMatch(/witnessed +by witness\.test\/e2e since 20/);
    expect(plain.stdout).toContain('assurance: witnessed(1)');
  });

  it('does not let it run while the witness is away, and says so in the log', async () => {
    await witness.stop();
    const wire = wrap();
    const refused = await perform(wire, 'unseen');
    const free = await perform(wire, 'free');
    await wire.end();
    witness = await startWitness(home);
    configure(witness);

    expect(refused.result).toMatchObject({
      isError: true,
      _meta: { 'dev.countersign/denial': { code: 'WITNESS_UNAVAILABLE', retryable: true } },
    });
    expect(free.result).toMatchObject({ content: [{ text: 'free' }] });
    expect(ran()).not.toContain('unseen');
    const { callId, text } = kept(refused);
    expect(await verify(text, '--expect', 'allow')).toMatchObject({ code: 0 });
    const shown = await home.cli('log', 'show', callId, '--json');
    const { report } = await verify(shown.stdout);
    expect(report.calls[0]?.envelopes[1]).toMatchObject({
      outcome: 'aborted',
      reason: 'WITNESS_UNAVAILABLE',
    });
  });

  it('does not let it run when the witness says that it has seen another history, and tells the operator', async () => {
    await using liar = await lyingWitness((_, response) => response.writeHead(409).end('1000000\n'));
    configure({ url: liar.url, vkey: formatVkey(liar.key) });
    const wire = wrap();
    const refused = await perform(wire, 'forked');
    await wire.end();
    configure(witness);
    expect(refused.result).toMatchObject({
      _meta: { 'dev.countersign/denial': { code: 'LOG_FORKED', retryable: false } },
    });
    expect(wire.stderr()).toMatch(/LOG_FORKED: .*1000000/);
    expect(ran()).not.toContain('forked');
  });
});

describe('asking the witnesses afterwards', { timeout: 60_000 }, () => {
  it('makes an envelope, a proof and an export witnessed that were not', async () => {
    const wire = wrap();
    const { callId, text } = kept(await perform(wire, 'free'));
    await wire.end();
    expect(await verify(text, ...demanded())).toMatchObject({ code: 1, failures: ['ASSURANCE_TOO_LOW'] });

    const asked = await home.cli('log', 'witness', '--json');
    expect(asked.code).toBe(0);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      witnesses: [{ name: 'witness.test/e2e', cosigned: true }],
    });
    const shown = await home.cli('log', 'show', callId, '--json', '--witnessed');
    expect(await verify(shown.stdout, ...demanded())).toMatchObject({ code: 0 });
    const line = '\n\u2014 witness.test/e2e ';
    expect((await home.cli('log', 'prove', callId, '--witnessed')).stdout).toContain(line);
    expect((await home.cli('log', 'prove', callId)).stdout).not.toContain(line);
    const directory = join(home.work, 'export');
    expect(await home.cli('log', 'export', directory, '--witnessed')).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toContain(line);
    expect(await home.cli('audit', '--trust', home.trustFile, directory)).toMatchObject({ code: 0 });
  });

  it('fails when one does not answer, and loudly when one contradicts the log', async () => {
    configure(witness, { url: 'http://127.0.0.1:1', vkey: formatVkey((await nobody()).key) });
    const plain = await home.cli('log', 'witness');
    expect(plain.code).toBe(1);
    expect(plain.stdout).toMatch(/✔ witness\.test\/e2e .*\n✘ witness\.test\/nobody  it cannot be reached/);

    await using liar = await lyingWitness((_, response) => response.writeHead(409).end('1000000\n'));
    configure(witness, { url: liar.url, vkey: formatVkey(liar.key) });
    for (const words of [['witness'], ['export', join(home.work, 'none'), '--witnessed']]) {
      const { code, stderr } = await home.cli('log', ...words);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^countersign: LOG_FORKED: .*witness\.test\/liar/),
      ]);
    }
    configure(witness);
  });
});

async function nobody() {
  const gone = await lyingWitness(() => undefined, 'witness.test/nobody');
  await gone[Symbol.asyncDispose]();
  return gone;
}

describe('a configuration that cannot be read', () => {
  it('keeps the gate closed, and says where', async () => {
    writeFileSync(join(home.home, 'countersign.yaml'), 'witness: []\n');
    const wire = wrap();
    const { error } = await wire.request('tools/call', { name: 'perform', arguments: { word: 'closed' } });
    const { code } = await wire.end();
    configure(witness);
    expect(error?.data).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error?.message).toContain('countersign.yaml:1:1');
    expect(code).toBe(1);
    expect(ran()).not.toContain('closed');
  });
});

describe('misuse of verify', () => {
  it.each([
    ['--assurance', 'all'],
    ['--assurance', 'witnessed(1)'],
    ['--witness', '/nowhere'],
    ['--witness', 'a+00000000+AAAA'],
  ])('%s %s is exit code 2', async (...options) => {
    const { code, stdout } = await home.pipe('{}', 'verify', '--trust', home.trustFile, ...options, '-');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
