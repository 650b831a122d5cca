/**
 * The main job, end to end, with nothing prepared: a temporary home, a real MCP server behind the gate, a real MCP
 * client before it. An allowed read, a denied write, every envelope verified twice, one of them tampered with.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { verifyWithSigstore } from './sigstore.ts';

const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
const filesystemServer = new URL(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'))
  .pathname;
const metaKey = 'dev.countersign/envelope';

interface Envelopes {
  readonly verdict: object;
  readonly outcome?: object;
}

interface ToolResult {
  readonly content?: readonly { readonly text?: string }[];
  readonly isError?: boolean;
  readonly _meta?: Readonly<Record<string, Envelopes>>;
}

const work = await mkdtemp(join(tmpdir(), 'countersign-demo-'));
const home = join(work, 'home');
const folder = join(work, 'files');
const trustFile = join(work, 'trusted_root.json');
const run = promisify(execFile);

try {
  await demo();
} finally {
  await rm(work, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  step('A home of its own: keys, certificates, log, starter policy, one API key');
  await mkdir(folder);
  await writeFile(join(folder, 'hello.txt'), 'Hello from behind the gate.\n');
  const { apiKey } = JSON.parse(await cli('init', '--home', home, '--json')) as { apiKey: string };
  await writeFile(trustFile, await cli('trust', '--home', home));

  step('A real MCP client connects to the real filesystem server, through `countersign wrap`');
  const client = new Client({ name: 'demo', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [
        countersign,
        'wrap',
        '--home',
        home,
        '--name',
        'files',
        '--',
        process.execPath,
        filesystemServer,
        folder,
      ],
      env: { PATH: process.env['PATH'] ?? '', HOME: work, COUNTERSIGN_API_KEY: apiKey },
      stderr: 'ignore',
    }),
  );
  const { tools } = await client.listTools();
  say(`the server lists ${tools.length} tools`);

  const read = { name: 'read_text_file', arguments: { path: join(folder, 'hello.txt') } };
  const write = { name: 'write_file', arguments: { path: join(folder, 'evil.txt'), content: 'not allowed' } };
  const results: ToolResult[] = [];
  const call = async (params: typeof read | typeof write): Promise<ToolResult> => {
    const result = (await client.callTool(params)) as ToolResult;
    results.push(result);
    say(verdictLine(params.name, result));
    return result;
  };

  step('Nothing is allowed before an operator has accepted it');
  expect((await call(read)).isError === true, 'a tool that nobody accepted must be denied');

  step('The operator accepts the read-only tools: `countersign tools accept files --read-only`');
  say(lastLine(await cli('tools', 'accept', 'files', '--read-only', '--home', home)));

  step('An allowed read, and a denied write');
  const allowed = await call(read);
  expect(allowed.content?.[0]?.text?.startsWith('Hello') === true, 'the accepted tool must run');
  const denied = await call(write);
  expect(denied.isError === true && !existsSync(join(folder, 'evil.txt')), 'the write must not run');
  await client.close();

  step(
    'Every envelope verifies: with `countersign verify`, and with @sigstore/verify, which knows nothing of us',
  );
  for (const [index, result] of results.entries()) await verifyTwice(index, result);

  step('One tampered byte, and it is refused');
  await refuseTampered(allowed);

  console.log(
    '\nDone: every call got a signed verdict, what was not allowed did not run, and anybody can check it.',
  );
}

async function verifyTwice(index: number, result: ToolResult): Promise<void> {
  const file = join(work, `result-${index}.json`);
  await writeFile(file, JSON.stringify(result));
  const expected = result.isError === true ? 'deny' : 'executed';
  await cli('verify', '--trust', trustFile, '--expect', expected, file);
  const envelopes = envelopesOf(result);
  const trust = await readFile(trustFile, 'utf8');
  for (const envelope of [envelopes.verdict, envelopes.outcome]) {
    if (envelope) say(`verified by both: ${verifyWithSigstore(envelope, trust)}`);
  }
}

async function refuseTampered(result: ToolResult): Promise<void> {
  const text = JSON.stringify(result);
  const file = join(work, 'tampered.json');
  await writeFile(file, text.replace('Hello from behind', 'Hullo from behind'));
  try {
    await cli('verify', '--trust', trustFile, '--expect', 'executed', '--json', file);
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    expect(code === 1 && stdout.includes('UNBOUND'), 'the refusal must be an exit code 1 that names UNBOUND');
    say('refused: UNBOUND, the result is not the one that was signed');
    return;
  }
  throw new Error('a tampered result was accepted');
}

function verdictLine(tool: string, result: ToolResult): string {
  const verdict = result.isError === true ? 'DENY ' : 'ALLOW';
  const text = result.content?.[0]?.text?.trim().split('\n')[0] ?? '';
  return `${verdict}  files/${tool}  ${text}`;
}

function envelopesOf(result: ToolResult): Envelopes {
  const envelopes = result._meta?.[metaKey];
  if (!envelopes) throw new Error('the result carries no envelope');
  return envelopes;
}

async function cli(...args: string[]): Promise<string> {
  return (await run(process.execPath, [countersign, ...args])).stdout;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function expect(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}

function step(text: string): void {
  console.log(`\n▸ ${text}`);
}

function say(text: string): void {
  console.log(`    ${text}`);
}
